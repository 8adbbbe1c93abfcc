import { accessChanged } from './access-changed';
import { accessCrowd } from './access-crowd';
import { accessNarrow } from './access-narrow';
import { adaptersLang } from './adapters-lang';
import { adaptersMcp } from './adapters-mcp';
import { auditReads } from './audit-reads';
import { auditWrites } from './audit-writes';
import { clusterLog } from './cluster-log';
import { connecting } from './connect';
import { containing } from './contain';
import { contextCost } from './context-cost';
import { crowd } from './crowd';
import { crowdRate } from './crowd-rate';
import { embedding } from './embedding';
import { erasing } from './erase';
import { firstVector } from './first-vector';
import { fusionLocomo } from './fusion-locomo';
import { growth } from './growth';
import { importing } from './import';
import { indexBuild } from './index-build';
import { jetStreamLog } from './jetstream-log';
import { million } from './million';
import { nodeStorage } from './node-storage';
import { opening } from './open';
import { peersNarrow } from './peers-narrow';
import { peersSearch } from './peers-search';
import { peersWrites } from './peers-writes';
import { poisoning } from './poisoning';
import { qualityConsolidation } from './quality-consolidation';
import { qualityLanguages } from './quality-languages';
import { qualityLocomo } from './quality-locomo';
import { qualityThreshold } from './quality-threshold';
import { qualityTime } from './quality-time';
import { recallAfterWrites } from './recall-after-writes';
import { recallHybrid } from './recall-hybrid';
import { recallMiniLm } from './recall-minilm';
import { recallSemantic } from './recall-semantic';
import { reembed } from './reembed';
import { remember64 } from './remember-64';
import { rememberOne } from './remember-one';
import { rememberScreened } from './remember-screened';
import { retention } from './retention';
import type { Question } from './shared/question';

/** All questions, in the order in which they run. */
export const questions: readonly Question[] = [
  importing,
  rememberOne,
  rememberScreened,
  remember64,
  recallSemantic,
  recallAfterWrites,
  recallHybrid,
  recallMiniLm,
  peersSearch,
  peersNarrow,
  peersWrites,
  crowd,
  crowdRate,
  accessCrowd,
  accessNarrow,
  accessChanged,
  auditReads,
  auditWrites,
  clusterLog,
  jetStreamLog,
  nodeStorage,
  adaptersLang,
  connecting,
  adaptersMcp,
  opening,
  million,
  growth,
  firstVector,
  embedding,
  reembed,
  indexBuild,
  qualityLocomo,
  qualityTime,
  qualityThreshold,
  qualityLanguages,
  qualityConsolidation,
  contextCost,
  fusionLocomo,
  poisoning,
  containing,
  erasing,
  retention,
];
