import { mean, shareFound } from '../shared/figures';
import { nearest } from '../shared/nearest';
import { dimensions } from '../shared/vectors';
import { loadPeer, type PeerCorpus, type PeerIndex, type SearchPeer } from './peer';

interface Hnswlib {
  readonly HierarchicalNSW: new (
    space: 'ip',
    dimensions: number,
  ) => {
    initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
    addPoint(point: number[], label: number): void;
    setEf(ef: number): void;
    searchKnn(point: number[], count: number): { readonly neighbors: number[] };
  };
}

const m = 16;
const efConstruction = 200;
/** The sizes of the candidate list. The smallest with enough recall is measured. */
const efs = [20, 40, 80, 160, 320, 640, 1_280];
// A little above the 0.99 of the comparison: 100 questions once measured 0.99 where 400 others measured 0.987.
const enoughRecall = 0.993;

/** An HNSW graph with the parameters of its documentation, and the smallest `ef` that finds 99 % of the nearest. */
export const hnswlib: SearchPeer = {
  name: 'hnswlib',
  mostMemories: Number.POSITIVE_INFINITY,
  questions: 400,
  async fill(corpus) {
    const { HierarchicalNSW } = loadPeer<Hnswlib>('hnswlib-node');
    const index = new HierarchicalNSW('ip', dimensions);
    index.initIndex({ maxElements: corpus.vectors.length, m, efConstruction, randomSeed: 1 });
    for (const [number, vector] of corpus.vectors.entries()) index.addPoint([...vector], number);
    const find = (point: number[]) => index.searchKnn(point, Math.min(10, corpus.vectors.length)).neighbors;
    const ef = calibrated(corpus, (ef) => index.setEf(ef), find);
    return {
      setting: `ef ${ef}`,
      prepare: (question) => {
        const point = [...question];
        return () => find(point);
      },
      close: () => undefined,
    } satisfies PeerIndex;
  },
};

/** Chooses and sets `ef`. */
function calibrated(
  { vectors, calibration }: PeerCorpus,
  setEf: (ef: number) => void,
  find: (point: number[]) => number[],
): number | undefined {
  const truth = calibration.map((question) => nearest(vectors, question, 10));
  return (
    efs.find((ef) => {
      setEf(ef);
      const shares = calibration.map((question, i) => shareFound(truth[i] ?? [], find([...question])));
      return mean(shares) >= enoughRecall;
    }) ?? efs.at(-1)
  );
}
