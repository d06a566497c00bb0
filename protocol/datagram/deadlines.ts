/**
 * Who is to be called when: a heap of items by their time, each at most once, so that thousands of connections
 * cost no more than the one that is next.
 *
 * @module
 */

/** Items and their times. */
export interface Deadlines<T> {
  /** The earliest time. */
  readonly first: number | undefined;
  /** Sets an item's time, or takes it out. */
  set(item: T, time: number | undefined): void;
  /** Takes out an item whose time has come. */
  pop(now: number): T | undefined;
}

interface Node<T> {
  readonly item: T;
  time: number;
  place: number;
}

class Heap<T> implements Deadlines<T> {
  readonly #nodes: Node<T>[] = [];
  readonly #byItem = new Map<T, Node<T>>();

  get first(): number | undefined {
    return this.#nodes[0]?.time;
  }

  set(item: T, time: number | undefined): void {
    const node = this.#byItem.get(item);
    if (time === undefined) {
      if (node !== undefined) this.#remove(node);
    } else if (node === undefined) {
      const made = { item, time, place: this.#nodes.length };
      this.#byItem.set(item, made);
      this.#nodes.push(made);
      this.#up(made);
    } else if (node.time !== time) {
      const earlier = time < node.time;
      node.time = time;
      if (earlier) this.#up(node);
      else this.#down(node);
    }
  }

  pop(now: number): T | undefined {
    const node = this.#nodes[0];
    if (node === undefined || node.time > now) return undefined;
    this.#remove(node);
    return node.item;
  }

  #remove(node: Node<T>): void {
    this.#byItem.delete(node.item);
    const last = this.#nodes.pop()!;
    if (last === node) return;
    this.#put(last, node.place);
    this.#up(last);
    this.#down(last);
  }

  #put(node: Node<T>, place: number): void {
    this.#nodes[place] = node;
    node.place = place;
  }

  #up(node: Node<T>): void {
    while (node.place > 0) {
      const parent = this.#nodes[(node.place - 1) >> 1];
      if (parent.time <= node.time) return;
      const { place } = node;
      this.#put(node, parent.place);
      this.#put(parent, place);
    }
  }

  #down(node: Node<T>): void {
    for (;;) {
      let child = this.#nodes[2 * node.place + 1];
      const other = this.#nodes[2 * node.place + 2];
      if (other !== undefined && other.time < child.time) child = other;
      if (child === undefined || child.time >= node.time) return;
      const { place } = node;
      this.#put(node, child.place);
      this.#put(child, place);
    }
  }
}

/** Makes an empty heap. */
export function createDeadlines<T>(): Deadlines<T> {
  return new Heap();
}
