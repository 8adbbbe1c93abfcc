export { type JetStreamOptions, jetStream } from './jet-stream';
export type { JetStreamCredentials, JetStreamTls } from './jet-stream-settings';
