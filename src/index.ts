export type { DecisionReason } from './access/authorise';
export type { AuditChainName, AuditDecision } from './audit/chain-entry';
export type { Checkpoint } from './audit/checkpoint';
export type { ChainVerification } from './audit/compare-heads';
export type { EntryProof } from './audit/entry-proof';
export type { AuditVerification } from './audit/verify-audit';
export type { AuditEpoch } from './audit/walk-chain';
export type { ConnectOptions } from './connect/connected-store';
export { type AISDKChatOptions, type AISDKLanguageModel, fromAISDKChat } from './consolidation/chat-models/ai-sdk-chat';
export type { ChatOptions } from './consolidation/chat-models/chat-summarizer';
export {
  fromLangChainChat,
  type LangChainChat,
  type LangChainChatOptions,
} from './consolidation/chat-models/langchain-chat';
export { type OpenAIChatOptions, openAIChat } from './consolidation/chat-models/openai-chat';
export { extractiveSummarizer } from './consolidation/extractive-summarizer';
export { groundedSummarizer } from './consolidation/grounded-summarizer';
export type {
  FactDraft,
  SourceGroup,
  SummarizeOptions,
  Summarizer,
  Summary,
  SummarySource,
  TokenUsage,
} from './consolidation/summarizer';
export type { Anomaly, AnomalyKind, AnomalyOptions } from './domain/anomaly';
export type { CallOptions, Consistency, LongCallOptions, Progress, ReadOptions, Time } from './domain/calls';
export type { LabelChange, UndoneConsolidation } from './domain/command';
export {
  type Ceiling,
  type Clearance,
  ceiling,
  clear,
  type Declaration,
  type Group,
  group,
  type Retention,
  type RetentionRequest,
  type Role,
  type RuleInForce,
  retain,
  role,
} from './domain/declaration';
export type { ErasureOptions, ErasurePlan, ErasureState, ErasureTarget } from './domain/erasure';
export { type ErrorCode, type ExceededQuota, type Issue, MemoryError } from './domain/errors';
export type { Hold, HoldRequest, ReleasedHold, ReleaseHoldOptions, WithheldMemory } from './domain/hold';
export type {
  ContainedMemory,
  ContainmentReason,
  Incident,
  IncidentSelection,
  Influence,
  InfluencedRead,
  RevertConflict,
  RevertObstacle,
  RevertResult,
} from './domain/incident';
export type { Json, Metadata } from './domain/json';
export type { Limits } from './domain/limits';
export type {
  ChangeType,
  Excerpt,
  Hit,
  Memory,
  MemoryChange,
  MemoryFields,
  MemoryKind,
  MemoryOrigin,
  MemorySource,
  MemoryState,
  NewMemory,
  RememberResult,
  ScoreParts,
  SearchSummary,
  SourceChannel,
  StandsFor,
  Visibility,
} from './domain/memory';
export type { Namespace } from './domain/namespace';
export type { Principal } from './domain/principal';
export type { Quota, QuotaKind, Quotas, QuotaUse } from './domain/quota';
export { type Action, allow, deny, type Member, type Rule, type Subject } from './domain/rule';
export type {
  Filter,
  FilterCondition,
  FilterField,
  FilterValue,
  IncludedState,
  NamespaceCondition,
  Scope,
  Selection,
  TimeSpan,
} from './domain/selection';
export type {
  ExportedEnd,
  ExportedManifest,
  ExportedNamespace,
  ExportedRetention,
  ExportedRevision,
  ExportedRule,
  ExportedSubjectMemory,
  ExportLine,
  MemoryRecipient,
  SubjectExportCounts,
  SubjectExportOptions,
} from './domain/subject-export';
export type { MinTrust, Trust } from './domain/trust';
export { builtInEmbedder } from './embedding/built-in/built-in-embedder';
export type { Embedder, EmbeddingSpace } from './embedding/embedder';
export { type MiniLmOptions, minilm } from './embedding/local-models/minilm';
export type { Pooling } from './embedding/local-models/model-worker';
export { type TransformersOptions, transformersEmbedder } from './embedding/local-models/transformers-embedder';
export type { Prefix } from './embedding/prefix';
export type { AISDKEmbeddingModel, AISDKJson, AISDKProviderOptions } from './embedding/providers/ai-sdk';
export { type AISDKOptions, fromAISDK } from './embedding/providers/ai-sdk';
export { fromLangChain, type LangChainEmbeddings, type LangChainOptions } from './embedding/providers/langchain';
export { type OpenAICompatibleOptions, openAICompatible } from './embedding/providers/openai-compatible';
export type { Clock, Logger } from './environment/environment';
export type {
  ErasedMember,
  ErasedPart,
  ErasureProof,
  ErasureReceipt,
  ErasureScan,
} from './erasure/receipt';
export { type ReceiptVerification, type VerifyReceiptOptions, verifyReceipt } from './erasure/verify-receipt';
export type {
  ConsolidateOptions,
  ConsolidationResult,
  GroupPreview,
  SkipReason,
} from './lifecycle/consolidation-options';
export type { ConsolidationBudget, ConsolidationPolicy } from './lifecycle/consolidation-policy';
export type { PolicyStatus } from './lifecycle/consolidation-schedule';
export type { RetentionResult, RetentionStatus } from './lifecycle/retention-sweep';
export type { SharedLog } from './log/shared-log';
export type { InstallSnapshot, PeerMessage } from './raft/core/messages';
export { decodePeerMessage, encodePeerMessage } from './raft/transport/peer-message-bytes';
export type {
  NodeAddress,
  NodeIdentity,
  PeerRefusal,
  RaftTransport,
  RefusalCode,
  TransportReceiver,
} from './raft/transport/raft-transport';
export { refusalBetween } from './raft/transport/refusal-between';
export type { Conflict, ConflictsPage } from './recall/conflicts';
export type { DuplicateGroup, DuplicatesPage } from './recall/duplicates';
export { type PromptContext, type PromptContextOptions, toContext } from './recall/to-context';
export type { ReembedOptions, ReembedProgress, ReembedResult } from './reembedding/reembedding-run';
export { builtInScreener } from './screening/built-in/built-in-screener';
export type { Screener, ScreeningVerdict } from './screening/screener';
export { type ScreeningFunction, screenerFromFunction } from './screening/screener-from-function';
export type { VerifyProblem } from './state/verify/damage';
export type { AccessHandle, ExplainRequest, ExplainResult } from './store/access-handle';
export type { AuditHandle, AuditPage, AuditQuery, AuditVerifyOptions, StoreAudit } from './store/audit-handle';
export type { AuditEntry, ExportedAuditEntry } from './store/audit-view';
export type { ClusterComparison, ClusterHandle, ClusterMember, ClusterStatus } from './store/cluster';
export type { ClusterOptions, ClusterTls } from './store/cluster-options';
export { recoverCluster } from './store/composition/compose';
export { leaveCluster } from './store/composition/leave-cluster';
export type { MemoryUse } from './store/composition/memory-shares';
export type { ClusterRecovery } from './store/composition/recover-cluster';
export type { StoreEvents } from './store/events';
export { type ClusterFolderReport, inspectCluster } from './store/inspect-cluster';
export type { LifecycleHandle, LifecycleRun, LifecycleStatus } from './store/lifecycle-handle';
export type {
  ComparisonOptions,
  ConsolidationSelection,
  EndorseOptions,
  ForgetResult,
  HandleStats,
  HistoryOptions,
  ListOptions,
  MemoryHandle,
  MemoryPage,
  MemoryPatch,
  RecallOptions,
} from './store/memory-handle';
export { type ConnectedStore, MemoryStore, type StoreStats } from './store/memory-store';
export type { AuditOptions, OpenOptions, ScheduledSnapshots } from './store/open-options';
export type { PendingPurge, PurgeOptions, PurgeResult } from './store/purge-result';
export type { Reembedding } from './store/reembedding';
export type { RestoreOptions } from './store/restore-snapshot';
export type { Snapshot, SnapshotList, SnapshotOptions, SnapshotPlan } from './store/snapshot';
export { listSnapshots, restoreSnapshot } from './store/snapshot-calls';
export type { SnapshotKey } from './store/snapshot-key';
export type {
  ContainOptions,
  MemoryEndorsement,
  QuarantinedOptions,
  TrustExplanation,
  TrustHandle,
} from './store/trust-handle';
export type { VerifyResult } from './store/verify';
export type { BatchResult } from './write/remember-many';
export type { ScreeningOptions } from './write/screening-gate';
