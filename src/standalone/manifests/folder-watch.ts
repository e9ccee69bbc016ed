import { type FSWatcher, statSync, watch } from 'node:fs';
import type { Cancel, Clock } from '../../domain/clock.ts';

/** Tells that something in one of a changing set of folders changed. */
export interface FolderWatch {
  /**
   * Watches these folders from now on, and no others. A folder that was replaced by another one of the same name, or
   * that was missing, is watched anew.
   * @returns whether a watch was added: what happened before it has not been told
   */
  set(folders: readonly string[]): boolean;
  close(): void;
}

/** Editors write a file in several steps; the steps of one save are told as one change. */
const SETTLE_MS = 100;
const MISSING_FOLDER_MS = 1_000;

export function watchFolders(clock: Clock, onChange: () => void): FolderWatch {
  const watched = new Map<string, { watcher: FSWatcher; inode: number }>();
  let cancel: Cancel | undefined;

  // Not started anew by each event: a folder in which something changes all the time is read all the same.
  function soon(ms: number): void {
    cancel ??= clock.after(ms, () => {
      cancel = undefined;
      onChange();
    });
  }

  function forget(folder: string): void {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  }

  function add(folder: string): boolean {
    try {
      const inode = statSync(folder).ino;
      if (watched.get(folder)?.inode === inode) return false;
      forget(folder);
      const watcher = watch(folder, () => soon(SETTLE_MS));
      watcher.on('error', () => {
        forget(folder);
        soon(MISSING_FOLDER_MS);
      });
      watched.set(folder, { watcher, inode });
      return true;
    } catch {
      forget(folder);
      soon(MISSING_FOLDER_MS);
      return false;
    }
  }

  return {
    set(folders) {
      for (const folder of watched.keys()) if (!folders.includes(folder)) forget(folder);
      return folders.map(add).includes(true);
    },
    close() {
      cancel?.();
      for (const folder of [...watched.keys()]) forget(folder);
    },
  };
}
