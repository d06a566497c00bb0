/**
 * The lint plugin that keeps the house's arrows (DESIGN §2): `protocol/` and `mod.ts` are pure, `client/` and
 * `server/` never import each other.
 *
 * Purity means no runtime, clock, timer, randomness, I/O or asynchrony: time and entropy come in as arguments.
 * The type-check against the DOM library alone (task `check:portable`) catches foreign names; this plugin catches
 * what that library has and the core must not use.
 *
 * @module
 */

import { isGlobalReference, type Tree } from "./scope.ts";

/** Globals that the core must not name: what they are, what to do instead, their names. */
const FOREIGN = [
  {
    what: "a runtime's",
    hint: "Keep the core portable: let the caller bring what the runtime has.",
    names: [
      ..."Deno Bun process Buffer global require module exports window document self globalThis"
        .split(" "),
      ..."navigator location Worker SharedWorker MessageChannel MessagePort postMessage".split(" "),
      ..."Event EventTarget CustomEvent MessageEvent AbortController AbortSignal DOMException"
        .split(" "),
      ..."Blob File FileReader FormData Headers URL URLSearchParams URLPattern".split(" "),
      ..."atob btoa structuredClone eval WeakRef FinalizationRegistry".split(" "),
    ],
  },
  {
    what: "a clock or timer",
    hint: "Take the time as an argument, in milliseconds, and tell the caller when to call back.",
    names: [
      ..."setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate".split(" "),
      ..."requestAnimationFrame requestIdleCallback queueMicrotask performance Temporal".split(" "),
    ],
  },
  {
    what: "a source of randomness",
    hint: "Take the entropy as an argument.",
    names: ["crypto", "Crypto", "SubtleCrypto"],
  },
  {
    what: "input or output",
    hint: "Return data; the caller does the input and output.",
    names: [
      ..."console fetch Request Response WebSocket EventSource XMLHttpRequest".split(" "),
      ..."BroadcastChannel localStorage sessionStorage indexedDB caches alert confirm prompt".split(
        " ",
      ),
      ..."ReadableStream WritableStream TransformStream CompressionStream".split(" "),
      ..."DecompressionStream TextEncoderStream TextDecoderStream".split(" "),
    ],
  },
  {
    what: "asynchronous",
    hint: "Make it a state machine: inputs come in, transitions go out.",
    names: "Promise PromiseLike AsyncIterable AsyncIterator AsyncGenerator".split(" "),
  },
] as const;

const FOREIGN_BY_NAME: ReadonlyMap<string, typeof FOREIGN[number]> = new Map(
  FOREIGN.flatMap((group) => group.names.map((name) => [name, group] as const)),
);

/** The only packages that the core may import. */
const PURE_PACKAGES = /^@noble\/(?:ciphers|curves|hashes)\/[\w.-]+\.js$/;

/** Where each half may not reach; what both stand on reaches neither. */
const APART: Readonly<Record<string, readonly string[]>> = {
  client: ["server"],
  server: ["client"],
  transport: ["client", "server"],
};

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** The path from the repository's root, with slashes. */
function pathOf(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  const start = path.startsWith(ROOT)
    ? ROOT.length
    : path.startsWith(ROOT.slice(1))
    ? ROOT.length - 1
    : 0;
  return path.slice(start);
}

function isPure(path: string): boolean {
  return path === "mod.ts" || path.startsWith("protocol/");
}

/** What a relative specifier of the file at `path` names, from the root; `undefined` for another specifier. */
function resolve(path: string, specifier: string): string | undefined {
  if (!/^\.\.?\//.test(specifier)) return undefined;
  const steps = path.split("/").slice(0, -1);
  for (const step of specifier.split("/")) {
    // Above the root there is nothing of ours, so a step that leaves it stays visible as "..".
    if (step === ".." && steps.length > 0 && steps.at(-1) !== "..") steps.pop();
    else if (step !== ".") steps.push(step);
  }
  return steps.join("/");
}

/** Visits every module specifier; `undefined` where it is computed. */
function visitSpecifiers(
  visit: (node: Deno.lint.Node, specifier: string | undefined) => void,
): Deno.lint.LintVisitor {
  const literal = (source: unknown): string | undefined => {
    const { value, literal: inner } = source as { value?: unknown; literal?: { value?: unknown } };
    const found = value ?? inner?.value;
    return typeof found === "string" ? found : undefined;
  };
  return {
    ImportDeclaration: (node) => visit(node, node.source.value),
    ExportAllDeclaration: (node) => visit(node, node.source.value),
    ExportNamedDeclaration: (node) => {
      if (node.source) visit(node, node.source.value);
    },
    ImportExpression: (node) => visit(node, literal(node.source)),
    TSImportType: (node) => visit(node, literal(node.argument)),
    TSExternalModuleReference: (node) => visit(node, node.expression.value),
  };
}

/** The name after the dot, or in the brackets when it is written out. */
function memberName(member: Tree): string | undefined {
  const property = member.property as { name?: string; value?: unknown };
  if (!member.computed) return property.name;
  return typeof property.value === "string" ? property.value : undefined;
}

/** Whether this mention of `Math` is one of its functions of arguments alone. */
function isPureMath(identifier: Tree): boolean {
  const parent = identifier.parent;
  if (parent?.type !== "MemberExpression") return false;
  const name = memberName(parent);
  return name !== undefined && name !== "random";
}

/** Whether this mention of `Date` leaves the clock alone. */
function isPureDate(identifier: Tree): boolean {
  const parent = identifier.parent;
  switch (parent?.type) {
    case "MemberExpression": {
      const name = memberName(parent);
      return name !== undefined && name !== "now";
    }
    case "NewExpression": {
      const first = (parent.arguments as Tree[])[0];
      return first !== undefined && first.type !== "SpreadElement";
    }
    case "BinaryExpression":
      return parent.operator === "instanceof";
    default:
      return parent?.type === "TSTypeReference";
  }
}

const pureGlobals: Deno.lint.Rule = {
  create(context) {
    if (!isPure(pathOf(context.filename))) return {};
    const reported = new Set<number>();
    const report = (node: Deno.lint.Node, message: string, hint: string) => {
      // A shorthand property has two identifiers in one place.
      if (reported.has(node.range[0])) return;
      reported.add(node.range[0]);
      context.report({ node, message, hint });
    };
    return {
      Identifier(node) {
        const identifier = node as unknown as Tree;
        const foreign = FOREIGN_BY_NAME.get(node.name);
        if (foreign !== undefined) {
          if (isGlobalReference(identifier)) {
            report(node, `\`${node.name}\` is ${foreign.what}; the core is pure`, foreign.hint);
          }
        } else if (node.name === "Math") {
          if (isGlobalReference(identifier) && !isPureMath(identifier)) {
            report(
              node,
              "`Math.random` is a source of randomness; the core is pure",
              FOREIGN[2].hint,
            );
          }
        } else if (node.name === "Date") {
          if (isGlobalReference(identifier) && !isPureDate(identifier)) {
            report(node, "`Date` reads the clock here; the core is pure", FOREIGN[1].hint);
          }
        }
      },
      MetaProperty(node) {
        if (node.meta.name === "import") {
          report(node, "`import.meta` is a runtime's; the core is pure", FOREIGN[0].hint);
        }
      },
    };
  },
};

const pureSync: Deno.lint.Rule = {
  create(context) {
    if (!isPure(pathOf(context.filename))) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({
        node,
        message: `${what} is asynchronous; the core is pure`,
        hint: FOREIGN[4].hint,
      });
    const visitFunction = (
      node:
        | Deno.lint.FunctionDeclaration
        | Deno.lint.FunctionExpression
        | Deno.lint.ArrowFunctionExpression,
    ) => {
      if (node.async) report(node, "An `async` function");
    };
    return {
      FunctionDeclaration: visitFunction,
      FunctionExpression: visitFunction,
      ArrowFunctionExpression: visitFunction,
      AwaitExpression: (node) => report(node, "`await`"),
      ForOfStatement: (node) => {
        if (node.await) report(node, "`for await`");
      },
      VariableDeclaration: (node) => {
        if (node.kind === "await using") report(node, "`await using`");
      },
    };
  },
};

const pureImports: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(context.filename);
    if (!isPure(path)) return {};
    return visitSpecifiers((node, specifier) => {
      const isStatic = node.type !== "ImportExpression" && specifier !== undefined;
      if (isStatic && PURE_PACKAGES.test(specifier)) return;
      if (isStatic && resolve(path, specifier)?.startsWith("protocol/")) return;
      context.report({
        node,
        message: `The core may not import ${specifier === undefined ? "this" : `"${specifier}"`}`,
        hint: "Import from within protocol/, or from @noble's *.js modules, and statically.",
      });
    });
  },
};

const apart: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(context.filename);
    const half = path.split("/", 1)[0] ?? "";
    const others = APART[half];
    if (others === undefined) return {};
    return visitSpecifiers((node, specifier) => {
      if (specifier === undefined) return;
      const target = resolve(path, specifier) ?? specifier;
      for (const other of others) {
        if (!target.startsWith(`${other}/`) && target !== `@dfp/dfp/${other}`) continue;
        context.report({
          node,
          message: `${half}/ may not import ${other}/`,
          hint: "What both need belongs in protocol/, or in transport/ if it is not pure.",
        });
      }
    });
  },
};

const plugin: Deno.lint.Plugin = {
  name: "dfp",
  rules: {
    "pure-globals": pureGlobals,
    "pure-sync": pureSync,
    "pure-imports": pureImports,
    "client-server-apart": apart,
  },
};

// The linter takes a plugin from the default export only.
export default plugin;
