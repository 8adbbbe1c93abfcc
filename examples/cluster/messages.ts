import type { ClusterOptions } from 'multi-agent-memory';

/** What a process of the demo is started with. */
export interface NodeTask {
  /** The agent that works in this process, and the name of the node. */
  readonly agent: string;
  readonly folder: string;
  readonly cluster: ClusterOptions;
}

/** What the demo asks a process. */
export type Question = 'stop' | 'findings' | 'close';

/** What a process tells the demo. */
export type News =
  | { readonly event: 'open'; readonly id: number }
  | { readonly event: 'leader'; readonly id: number | undefined }
  | { readonly event: 'stored'; readonly text: string }
  | { readonly event: 'stopped' }
  | { readonly event: 'findings'; readonly texts: readonly string[] };
