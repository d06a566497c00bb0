/**
 * When the names in a folder outlast the power: a rename is on the disk once its folder was flushed
 * after it. One flush serves all renames that it finds, and a folder in which nothing changed needs none.
 *
 * @module
 */

/** The folders of a store, and what of them is on the disk. */
export interface FolderSync {
  /** A name in this folder has changed. */
  changed(folder: string): void;
  /**
   * Resolves when the names in this folder, as they are now, are on the disk. It rejects if the disk did
   * not take them. What an earlier process left behind counts as changed.
   */
  settled(folder: string): Promise<void>;
}

class SyncedFolder {
  readonly #path: string;
  /** How often names changed, and how many of those changes are on the disk. */
  #changes = 1;
  #synced = 0;
  #running: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  changed(): void {
    this.#changes++;
  }

  async settled(): Promise<void> {
    const upto = this.#changes;
    while (this.#synced < upto) {
      // One that is running may have begun too early.
      const begun = this.#running === undefined;
      this.#running ??= this.#sync().finally(() => this.#running = undefined);
      try {
        await this.#running;
      } catch (error) {
        if (begun) throw error;
      }
    }
  }

  async #sync(): Promise<void> {
    const upto = this.#changes;
    // Windows has no such thing.
    if (Deno.build.os !== "windows") {
      using folder = Deno.openSync(this.#path);
      await folder.sync();
    }
    this.#synced = upto;
  }
}

/** Knows nothing yet: every folder is flushed when it is first asked for. */
export function createFolderSync(): FolderSync {
  const folders = new Map<string, SyncedFolder>();
  const folder = (path: string) => {
    const known = folders.get(path) ?? new SyncedFolder(path);
    folders.set(path, known);
    return known;
  };
  return {
    changed: (path) => folder(path).changed(),
    settled: (path) => folder(path).settled(),
  };
}
