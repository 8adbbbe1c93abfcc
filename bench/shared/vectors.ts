import { type Random, random } from './random';

/** The dimensions of all-MiniLM-L6-v2. */
export const dimensions = 384;

/*
 * The vectors imitate those of all-MiniLM-L6-v2 over LoCoMo's 5,882 turns and 1,986 questions, so that they are as hard for an
 * approximate index: not uniform, which no index handles well, and not in distant clusters, which every index handles well.
 *
 *   memory   = mean + closeness * (theme + topic) + own, at length 1
 *   question = 0.4 of a memory + 0.34 of its topic + own, at length 1
 *
 * Each term is normally distributed with variances that fall as (k + 12) ** -1.5 along 384 axes (measured: the first 10 axes have
 * 31 % of the variance, 50 have 67 %, 100 have 82 %; here 34, 69, 82). The axes are mixed, since those of a model are not sorted.
 * There are few themes. Topics have 15 memories on average, some many more. Some memories are close to their topic, some far away.
 *
 *   at 5,882, medians of                              MiniLM                     these
 *   cosines of any two, and their deviation           .24, .12                   .25, .11
 *   to the 1st, 10th, 50th, 200th of a memory         .72, .62, .53, .45         .75, .65, .53, .43
 *   to the 1st, 10th, 50th, 200th of a question       .62, .51, .42, .33         .64, .52, .44, .37
 *   recall@10 of LanceDB's IVF_FLAT, questions,
 *   with 1, 5, 10, 20 probes of 77                    .55, .91, .95, .98         .63, .91, .96, .99
 */
const shares = { mean: 0.23, theme: 0.26, topic: 0.14 };
// The squared factor of theme and topic. The rest of the variance is the memory's own.
const closeness = { least: 0.2, most: 1.8 };
const themes = 60;
const memoriesPerTopic = 15;
const topicSkew = 2;
const questionShares = { memory: 0.4, topic: 0.34 };
const block = 128;
const permutation = axes((axis) => (axis * 131 + 17) % dimensions);
const signs = axes((axis) => (random(9, axis).uniform() < 0.5 ? -1 : 1));
const spectrum = spectrumOf();
const common = axes(() => Math.sqrt(shares.mean / dimensions));
const themeVectors = Array.from({ length: themes }, (_, theme) => part(random(3, theme), shares.theme));

/** The vectors of a corpus of `memories` memories, the same in every run. Memories beyond the corpus have vectors too. */
export class Vectors {
  readonly #memories: number;
  readonly #topics: Float32Array[] = [];

  constructor(memories: number) {
    this.#memories = memories;
  }

  /** The topic of a memory. */
  topicOf(memory: number): number {
    const topics = Math.max(1, Math.round(this.#memories / memoriesPerTopic));
    return Math.floor(topics * random(4, memory).uniform() ** topicSkew);
  }

  /** The vector of a memory, of length 1. */
  of(memory: number): Float32Array {
    const chance = random(5, memory);
    const near = closeness.least + chance.uniform() * (closeness.most - closeness.least);
    const own = 1 - shares.mean - near * (shares.theme + shares.topic);
    const topic = scaled(this.#topic(this.topicOf(memory)), Math.sqrt(near));
    return unit(mixed(sum(sum(common, topic), part(chance, own))));
  }

  /** The memory that a question is close to. */
  memoryOf(question: number): number {
    return random(6, question).whole(this.#memories);
  }

  /** The vector of a question, of length 1. */
  ofQuestion(question: number): Float32Array {
    const memory = this.memoryOf(question);
    const topic = mixed(sum(common, this.#topic(this.topicOf(memory))));
    const known = sum(scaled(this.of(memory), questionShares.memory), scaled(topic, questionShares.topic));
    return unit(sum(known, mixed(part(random(7, question), 1 - squares(known)))));
  }

  #topic(topic: number): Float32Array {
    this.#topics[topic] ??= topicVector(topic);
    return this.#topics[topic] as Float32Array;
  }
}

function topicVector(topic: number): Float32Array {
  const chance = random(8, topic);
  const theme = themeVectors[Math.floor(themes * chance.uniform() ** 1.5)] as Float32Array;
  return sum(theme, part(chance, shares.topic));
}

function part(chance: Random, share: number): Float32Array {
  const scale = Math.sqrt(share);
  return axes((axis) => scale * (spectrum[axis] as number) * chance.normal());
}

/** The standard deviations along the axes. Their squares add up to 1. */
function spectrumOf(): Float64Array {
  const variances = Float64Array.from({ length: dimensions }, (_, axis) => (axis + 12) ** -1.5);
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  return variances.map((variance) => Math.sqrt(variance / total));
}

/** A fixed rotation: it permutes the axes, changes signs, and applies a Hadamard transform to each third, which mixes its axes. */
function mixed(vector: Float32Array): Float32Array {
  const out = axes((axis) => (vector[permutation[axis] as number] as number) * (signs[axis] as number));
  for (let half = 1; half < block; half *= 2) {
    for (let from = 0; from < dimensions; from += 2 * half) {
      for (let i = from; i < from + half; i++) {
        const [a, b] = [out[i] as number, out[i + half] as number];
        out[i] = (a + b) * Math.SQRT1_2;
        out[i + half] = (a - b) * Math.SQRT1_2;
      }
    }
  }
  return out;
}

function axes(value: (axis: number) => number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (let axis = 0; axis < dimensions; axis++) vector[axis] = value(axis);
  return vector;
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return axes((axis) => (a[axis] as number) + (b[axis] as number));
}

function scaled(vector: Float32Array, by: number): Float32Array {
  return axes((axis) => (vector[axis] as number) * by);
}

function unit(vector: Float32Array): Float32Array {
  return scaled(vector, 1 / Math.sqrt(squares(vector)));
}

function squares(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return sum;
}
