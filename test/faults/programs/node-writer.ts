/** Stores random works of a node until it is killed, and reports each call before it is made and after it is durable. */
import { randomBytes } from 'node:crypto';
import { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import { callStorage, modelOf, RandomWorks } from '../../raft/storage/random-works';
import { Random } from '../random';
import { say, task } from './said';

const { folder, seed, segmentBytes } = task<{ folder: string; seed: number; segmentBytes: number }>();
const storage = await SegmentStorage.open({ folder, randomBytes, segmentBytes });
const works = new RandomWorks(seed, modelOf(storage));
const random = new Random(seed, 1);
say({ say: 'open' });
for (let number = 0; ; number++) {
  const call = works.next();
  say({ say: 'made', number });
  const done = Promise.resolve(callStorage(storage, call)).then(() => say({ say: 'done', number }));
  if (random.chance(0.6)) await done;
}
