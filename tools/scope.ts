/**
 * Which names a source declares itself: a small scope resolver for the lint plugin, whose tree has none. It tells the
 * global `window` from a parameter that happens to be called so.
 *
 * @module
 */

/** A node of the lint tree, seen without its exact type. */
export interface Tree {
  readonly type: string;
  readonly range: Deno.lint.Range;
  readonly parent?: Tree | null;
  readonly [field: string]: unknown;
}

/** Fields whose identifier only names something, by the type of the parent; these are no references. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  AccessorProperty: ["key"],
  BreakStatement: ["label"],
  ContinueStatement: ["label"],
  ExportSpecifier: ["exported"],
  ImportAttribute: ["key"],
  ImportSpecifier: ["imported"],
  LabeledStatement: ["label"],
  MemberExpression: ["property"],
  MetaProperty: ["meta", "property"],
  MethodDefinition: ["key"],
  Property: ["key"],
  PropertyDefinition: ["key"],
  TSAbstractAccessorProperty: ["key"],
  TSAbstractMethodDefinition: ["key"],
  TSAbstractPropertyDefinition: ["key"],
  TSEnumMember: ["id"],
  TSMappedType: ["key"],
  TSMethodSignature: ["key"],
  TSNamedTupleMember: ["label"],
  TSPropertySignature: ["key"],
  TSQualifiedName: ["right"],
  TSTypeParameter: ["name"],
  TSTypePredicate: ["parameterName"],
};

/** Whether the identifier stands for a value or type of no scope in its own file: a global. */
export function isGlobalReference(identifier: Tree): boolean {
  return !isLabel(identifier) && !isDeclared(identifier);
}

function isLabel(identifier: Tree): boolean {
  const parent = identifier.parent;
  if (!parent || parent.computed === true || parent.shorthand === true) return false;
  if (parent.type === "ExportSpecifier" && parent.parent?.source) return true;
  const fields = LABELS[parent.type] ?? [];
  return fields.some((field) => isSame(parent[field], identifier));
}

function isSame(a: unknown, b: Tree): boolean {
  return isTree(a) && a.type === b.type && a.range[0] === b.range[0] && a.range[1] === b.range[1];
}

function isDeclared(identifier: Tree): boolean {
  for (let scope = identifier.parent; scope; scope = scope.parent) {
    for (const name of scopeNames(scope)) if (name === identifier.name) return true;
  }
  return false;
}

function* scopeNames(scope: Tree): Generator<string> {
  for (const statement of trees(scope.body)) yield* statementNames(statement);
  for (const branch of trees(scope.cases)) {
    for (const statement of trees(branch.consequent)) yield* statementNames(statement);
  }
  for (const parameter of trees(scope.params)) yield* patternNames(parameter);
  for (const parameter of trees(scope.parameters)) yield* patternNames(parameter);
  if (scope.type === "CatchClause") yield* patternNames(scope.param);
  if (scope.type === "ForStatement") yield* statementNames(scope.init);
  if (scope.type === "ForOfStatement" || scope.type === "ForInStatement") {
    yield* statementNames(scope.left);
  }
  if (scope.type === "FunctionExpression" || scope.type === "ClassExpression") {
    yield* patternNames(scope.id);
  }
}

function* statementNames(statement: unknown): Generator<string> {
  // An ambient declaration only claims that a global exists.
  if (!isTree(statement) || statement.declare === true) return;
  switch (statement.type) {
    case "VariableDeclaration":
      for (const declarator of trees(statement.declarations)) yield* patternNames(declarator.id);
      return;
    case "ImportDeclaration":
      for (const specifier of trees(statement.specifiers)) yield* patternNames(specifier.local);
      return;
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      yield* statementNames(statement.declaration);
      return;
    case "ClassDeclaration":
    case "FunctionDeclaration":
    case "TSDeclareFunction":
    case "TSEnumDeclaration":
    case "TSInterfaceDeclaration":
    case "TSModuleDeclaration":
    case "TSTypeAliasDeclaration":
      yield* patternNames(statement.id);
  }
}

function* patternNames(pattern: unknown): Generator<string> {
  if (!isTree(pattern)) return;
  switch (pattern.type) {
    case "Identifier":
      yield String(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of trees(pattern.properties)) {
        yield* patternNames(property.type === "Property" ? property.value : property);
      }
      return;
    case "ArrayPattern":
      for (const element of trees(pattern.elements)) yield* patternNames(element);
      return;
    case "AssignmentPattern":
      yield* patternNames(pattern.left);
      return;
    case "RestElement":
      yield* patternNames(pattern.argument);
      return;
    case "TSParameterProperty":
      yield* patternNames(pattern.parameter);
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && "type" in value && "range" in value;
}

function trees(value: unknown): Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}
