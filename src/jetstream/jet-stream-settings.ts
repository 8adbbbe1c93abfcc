/** How a process proves to the servers who it is. */
export type JetStreamCredentials =
  | { user: string; pass: string }
  | { token: string }
  /** The content of a `.creds` file. */
  | { creds: string | Uint8Array };

/** The authorities of the servers' certificates, and what proves to the servers who this process is, in PEM format. */
export interface JetStreamTls {
  /** Default: the authorities that Node.js trusts. */
  ca?: string;
  cert?: string;
  key?: string;
}

/** `JetStreamOptions` after parsing, with defaults filled in. */
export interface JetStreamSettings {
  readonly servers: readonly string[];
  readonly stream: string;
  readonly credentials: JetStreamCredentials | undefined;
  readonly tls: JetStreamTls | undefined;
  readonly replicas: number;
  readonly waitMs: number;
}
