export type { Reason } from './access/explain';
export type { Checkpoint } from './audit/checkpoint';
export type { Chain, Decision } from './audit/entry';
export type { ChainVerification } from './audit/judge';
export type { AuditVerification } from './audit/verification';
export type { Epoch } from './audit/verify';
export type { ConnectOptions } from './connect/connected-store';
export type { Call, Long, Progress } from './domain/calls';
export type { Relabelling } from './domain/command';
export {
  type Clearance,
  clear,
  type Declaration,
  type Group,
  group,
  type Role,
  type RuleInForce,
  role,
} from './domain/declaration';
export { type ErrorCode, type Issue, MemoryError } from './domain/errors';
export type { Json, Meta } from './domain/json';
export type { Limits } from './domain/limits';
export type {
  Change,
  ChangeType,
  Channel,
  Hit,
  Kind,
  Memory,
  MemoryState,
  NewMemory,
  Remembered,
  ScoreParts,
  Settable,
  Source,
  Visibility,
} from './domain/memory';
export type { Namespace } from './domain/namespace';
export type { Principal } from './domain/principal';
export { type Action, allow, deny, type Member, type Rule, type Subject } from './domain/rule';
export type { Condition, Filter, FilterField, Included, Scalar, Scope, Selection } from './domain/selection';
export type { Time } from './domain/time';
export { type AISDKOptions, fromAISDK } from './embedding/ai-sdk';
export type { AISDKEmbeddingModel, AISDKJson, AISDKProviderOptions } from './embedding/ai-sdk-model';
export { builtInEmbedder } from './embedding/built-in/built-in-embedder';
export type { Embedder, EmbeddingSpace } from './embedding/embedder';
export { fromLangChain, type LangChainEmbeddings, type LangChainOptions } from './embedding/langchain';
export { type MiniLmOptions, minilm } from './embedding/minilm';
export { type OpenAICompatibleOptions, openAICompatible } from './embedding/openai-compatible';
export type { Pooling } from './embedding/pooling';
export type { Prefix } from './embedding/prefix';
export { type TransformersOptions, transformersEmbedder } from './embedding/transformers-embedder';
export type { Clock } from './environment/clock';
export type { Logger } from './environment/environment';
export type { Reembedded, ReembedOptions, ReembedProgress } from './lifecycle/reembedding';
export { type Context, type ContextOptions, toContext } from './recall/to-context';
export type { AccessHandle, Explanation, Question } from './store/access-handle';
export type { AuditHandle, AuditPage, AuditQuery, AuditVerifyOptions, StoreAudit } from './store/audit-handle';
export type { AuditEntry, ExportedEntry } from './store/audit-view';
export type { Events } from './store/events';
export type {
  Forgotten,
  HandleStats,
  ListOptions,
  MemoryHandle,
  Page,
  Patch,
  RecallOptions,
} from './store/memory-handle';
export { type ConnectedStore, MemoryStore, type Stats } from './store/memory-store';
export type { AuditOptions, OpenOptions } from './store/open-options';
export type { Reembedding } from './store/reembedding';
export type { Problem, VerifyResult } from './store/verify';
export type { BatchResult } from './write/remember-many';
