export type { Clock } from '../environment/environment';
export { type FakeClock, fakeClock } from '../environment/fixture-environment';
export {
  InProcessNetwork,
  type InProcessNetworkOptions,
  type NetworkConditions,
} from '../raft/transport/in-process-network';
export type {
  StoredVector,
  VectorCandidate,
  VectorIndex,
  VectorSource,
  VisibleRows,
} from '../vector-index/vector-index';
export type { ConformanceCase } from './conformance';
export { embedderConformance } from './embedder-conformance';
export { countingIds, type FaultyEmbedder, faultyEmbedder } from './fixtures';
export { type InMemoryCluster, type InMemoryClusterOptions, inMemoryCluster } from './in-memory-cluster';
export { raftTransportConformance, type TransportUnderTest } from './raft-transport-conformance';
export { screenerConformance } from './screener-conformance';
export { summarizerConformance } from './summarizer-conformance';
export { vectorIndexConformance } from './vector-index-conformance';
