import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { hnswlib } from './peers/hnswlib';
import { inMemoryStore } from './peers/in-memory-store';
import { mem0Store } from './peers/mem0-store';
import { memoryVectorStore } from './peers/memory-vector-store';
import { type PeerIndex, PeerUnavailable, type SearchPeer } from './peers/peer';
import { sqliteVec } from './peers/sqlite-vec';
import { median } from './shared/figures';
import { nearest, nearestOnly } from './shared/nearest';
import { type Question, type Setting, samples } from './shared/question';
import { type Goal, type Row, row } from './shared/row';
import { Side } from './shared/side';
import { copyOfLoaded, openStore } from './shared/store';
import { textOf } from './shared/texts';
import { calm, interleaved } from './shared/timing';
import { Vectors } from './shared/vectors';

const warmUp = 10;
const calibrations = 200;
const firstCalibration = 1_000_000;
const peers: readonly (readonly [SearchPeer, Goal?])[] = [
  [hnswlib, { ratioAtMost: 5, recallAtLeast: 0.99 }],
  [memoryVectorStore, { ratioAtMost: 0.05, recallAtLeast: 0.99 }],
  [mem0Store, { ratioAtMost: 0.01, recallAtLeast: 0.99 }],
  [inMemoryStore],
  [sqliteVec],
];

type Store = Awaited<ReturnType<typeof openStore>>;

/** Semantic search against other libraries that run in the process. Ours checks access, reads the texts and records the call. */
export const peersSearch: Question = {
  name: 'peers-search',
  asks: 'What does a semantic recall of 10,000 and of 100,000 memories cost, compared with hnswlib, MemoryVectorStore, mem0 and others?',
  async run(setting) {
    const rows: Row[] = [];
    const skippedPeers: Record<string, string> = {};
    for (const memories of [Math.ceil(setting.memories / 10), setting.memories]) {
      const part = { ...setting, memories, loaded: `${setting.loaded}-${memories}` };
      const isAll = memories === setting.memories;
      const store = await openStore(await copyOfLoaded(isAll ? setting : part));
      await store.settled();
      const corpus = new Corpus(memories);
      for (const [peer, goal] of peers) {
        if (memories > peer.mostMemories) continue;
        try {
          const folder = await mkdtemp(join(setting.folder, 'peer-'));
          const index = await peer.fill(corpus, folder);
          rows.push(...(await compared(setting, store, corpus, { peer, goal, index })));
          index.close();
        } catch (error) {
          if (!(error instanceof PeerUnavailable)) throw error;
          skippedPeers[peer.name] = error.message;
        }
      }
      await store.close();
    }
    return { rows, skippedPeers };
  },
};

class Corpus {
  readonly vectors: readonly Float32Array[];
  readonly texts: readonly string[];
  readonly calibration: readonly Float32Array[];
  readonly #vectors: Vectors;

  constructor(memories: number) {
    this.#vectors = new Vectors(memories);
    this.vectors = Array.from({ length: memories }, (_, number) => this.#vectors.of(number));
    this.texts = Array.from({ length: memories }, (_, number) => textOf(number, this.#vectors.topicOf(number)));
    this.calibration = Array.from({ length: calibrations }, (_, i) => this.#vectors.ofQuestion(firstCalibration + i));
  }

  /** The questions that are measured. */
  questions(count: number): Float32Array[] {
    return Array.from({ length: count }, (_, number) => this.#vectors.ofQuestion(number));
  }
}

interface Comparison {
  readonly peer: SearchPeer;
  readonly goal: Goal | undefined;
  readonly index: PeerIndex;
}

async function compared(setting: Setting, store: Store, corpus: Corpus, { peer, goal, index }: Comparison) {
  const agent = store.as({ agentId: 'agent' });
  const ours = new Side<Float32Array>(async (vector) => {
    const hits = await agent.recall('nearest', { ...nearestOnly, vector });
    return hits.map(({ metadata }) => metadata.ticket);
  });
  const theirs = new Side<ReturnType<PeerIndex['prepare']>>((search) => search());
  const all = corpus.questions(warmUp + samples(setting, peer.questions));
  for (const [i, question] of all.slice(0, warmUp).entries()) {
    await ours.search(question);
    await index.prepare(question, i)();
  }
  const questions = all.slice(warmUp);
  await calm();
  for (const [i, question] of questions.entries()) {
    const search = index.prepare(question, warmUp + i);
    await interleaved(
      i,
      () => ours.ask(question),
      () => theirs.ask(search),
    );
  }
  const truth = questions.map((question) => nearest(corpus.vectors, question, 10));
  const name = `peers-search, ${corpus.vectors.length.toLocaleString('en-US')}`;
  const setTo = index.setting === undefined ? '' : `, ${index.setting}`;
  const [value, baseline, unit] = [median(ours.ms), median(theirs.ms), 'ms'];
  const recall = ours.recall(truth);
  return [
    row({
      name: `${name}, against ${peer.name}`,
      value,
      baseline,
      unit,
      recall,
      ...(goal === undefined ? {} : { goal }),
    }),
    row({ name: `${name}, ${peer.name}${setTo}`, value: baseline, unit, recall: theirs.recall(truth) }),
  ];
}
