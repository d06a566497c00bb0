/**
 * A store of files that is watched: no writer holds more than one window of bytes that are not stored yet
 * (DESIGN §11, law 8).
 *
 * @module
 */

import type { BlobStore, BlobWriter, WriterEvents } from "../../server/blob/blob_store.ts";
import { hold, type World } from "./world.ts";

/** Methods of an object, some of them others; what it has beside them stays. */
function otherwise<T extends object>(target: T, others: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(name in others ? others : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The same store, watched; no upload may have more than `window` bytes under way. */
export function watchStore<S extends BlobStore>(store: S, world: World, window: number): S {
  const write = (...[upload, options, events]: Parameters<BlobStore["write"]>): BlobWriter => {
    let underWay = 0;
    const given = (count: number) => {
      underWay += count;
      world.transcript.count("law 8: uploads measured");
      hold(underWay <= window, () => `law 8: ${underWay} bytes of upload ${upload} wait`);
    };
    const told: WriterEvents = {
      opened: (offset) => {
        if (offset > 0) world.transcript.count("partial uploads found");
        events.opened(offset);
      },
      stored(count) {
        underWay -= count;
        events.stored(count);
      },
      kept: (size) => events.kept(size),
      failed(fault) {
        world.transcript.count(`store: ${fault.status}`);
        events.failed(fault);
      },
    };
    const writer = store.write(upload, options, told);
    return otherwise(writer, {
      write(bytes) {
        given(bytes.length);
        writer.write(bytes);
      },
      writePacked(bytes, raw) {
        given(raw);
        writer.writePacked(bytes, raw);
      },
    });
  };
  return otherwise<S>(store, { write } as Partial<S>);
}
