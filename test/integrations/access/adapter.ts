import type { MemoryHandle, Namespace } from 'multi-agent-memory';
import type { Look, SeenDeed } from '../../worlds/deeds';
import type { Stage } from '../../worlds/stage';

/** One way in which a framework reads through a handle. `read` resolves to the numbers of the memories that it returns. */
export interface Reader {
  readonly name: string;
  read(handle: MemoryHandle): Promise<number[]>;
}

/** One way in which a framework writes a new memory through a handle. */
export interface Writer {
  readonly name: string;
  /** Whether the memory has a key, which requires `read` in the namespace. */
  readonly keyed: boolean;
  /** Whether the framework can express this namespace. */
  canName(namespace: Namespace): boolean;
  /** Resolves to whether the write was allowed. */
  write(handle: MemoryHandle, namespace: Namespace): Promise<boolean>;
}

/** The integration with one framework, as the access tests use it. */
export interface Adapter {
  readonly name: string;
  /** Every way that returns all readable memories. */
  readonly readers: readonly Reader[];
  readonly writers: readonly Writer[];
  /** Resolves to true if the memory was forgotten or cannot be found, and to false if it was not allowed. */
  forget(handle: MemoryHandle, id: string): Promise<boolean>;
  /** Reads in the middle of a script. Returns every byte that the reader gets. */
  look(handle: MemoryHandle, look: Look): Promise<string[]>;
  /** Tries calls that must fail, whether or not hidden memories exist. Returns every byte that the caller gets. */
  attempt(stage: Stage, closed: Namespace, deed: SeenDeed): Promise<string[]>;
  /** Everything that a reader can find out at the end. */
  everything(handle: MemoryHandle): Promise<string[]>;
}
