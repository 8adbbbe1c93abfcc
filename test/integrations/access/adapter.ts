import type { MemoryHandle, Namespace } from 'multi-agent-memory';
import type { Look, SeenDeed } from '../../worlds/deeds';
import type { Stage } from '../../worlds/stage';

/** One way in which a framework reads through a handle. It resolves to the numbers of what it shows. */
export interface Way {
  readonly name: string;
  see(handle: MemoryHandle): Promise<number[]>;
}

/** One way in which a framework writes something new through a handle, at a namespace. It resolves to whether it was allowed to. */
export interface Write {
  readonly name: string;
  /** Whether what is written has a key, which only who may read there may give. */
  readonly keyed: boolean;
  /** Whether the framework has a word for this namespace. */
  names(namespace: Namespace): boolean;
  write(handle: MemoryHandle, namespace: Namespace): Promise<boolean>;
}

/** What the integration with one framework is asked for. */
export interface Adapter {
  readonly name: string;
  /** Every way that shows all that may be read. */
  readonly ways: readonly Way[];
  readonly writes: readonly Write[];
  /** Resolves to whether it was allowed to, or there was nothing to forget. */
  forget(handle: MemoryHandle, id: string): Promise<boolean>;
  /** One look in the midst of what happens: every byte that was told. */
  look(handle: MemoryHandle, asked: Look): Promise<string[]>;
  /** Tries what must be refused, whether or not there is anything to be refused. */
  attempt(stage: Stage, closed: Namespace, deed: SeenDeed): Promise<string[]>;
  /** Everything that a reader can learn at the end. */
  everything(handle: MemoryHandle): Promise<string[]>;
}
