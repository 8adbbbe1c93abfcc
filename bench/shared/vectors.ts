import { type Random, random } from './random';

/** Numbers of a vector: those of all-MiniLM-L6-v2. */
export const dimensions = 384;

/*
 * The vectors imitate those of all-MiniLM-L6-v2 over LoCoMo's 5,882 turns and 1,986 questions, so that an approximate index has
 * the same trouble with them: neither points spread evenly, of which no index finds the neighbours, nor clusters that are
 * far apart, of which every index does.
 *
 *   vector = mean + theme + topic + own, at length 1
 *
 * Each part is normal with variances that fall as (k + 12) ** -1.5 along 384 axes (measured: the first 10 axes hold 31 % of the
 * variance, 50 67 %, 100 82 %; here 34, 69, 82), and the axes are mixed, because those of a model do not come sorted. Themes are few;
 * topics have 15 memories on average, some of them hundreds. A question is 0.6 of one memory, the rest its own.
 *
 *   cosines, medians at 5,882                         of MiniLM                  of these
 *   of any two, and their deviation                   .24, .12                   .25, .12
 *   to the 1st, 10th, 50th, 200th of a memory         .72, .62, .53, .45         .71, .62, .51, .44
 *   to the 1st, 10th, 50th, 200th of a question       .62, .51, .42, .33         .60, .46, .40, .35
 */
const shares = { mean: 0.23, theme: 0.18, topic: 0.2, own: 0.39 };
const themes = 40;
const memoriesPerTopic = 15;
const topicSkew = 3;
const questionShare = 0.6;
const block = 128;
const permutation = axes((axis) => (axis * 131 + 17) % dimensions);
const signs = axes((axis) => (random(7, axis).uniform() < 0.5 ? -1 : 1));
const spectrum = spectrumOf();
const common = axes(() => Math.sqrt(shares.mean / dimensions));
const themeVectors = Array.from({ length: themes }, (_, theme) => part(random(3, theme), shares.theme));

/** The vectors of a corpus of that many memories. The same for the same numbers; memories beyond the corpus have vectors too. */
export class Vectors {
  readonly #memories: number;
  readonly #topics: Float32Array[] = [];

  constructor(memories: number) {
    this.#memories = memories;
  }

  /** The vector of a memory, of length 1. */
  of(memory: number): Float32Array {
    const chance = random(4, memory);
    const topics = Math.max(1, Math.round(this.#memories / memoriesPerTopic));
    const topic = this.#topic(Math.floor(topics * chance.uniform() ** topicSkew));
    return unit(mixed(sum(topic, part(chance, shares.own))));
  }

  /** The vector of a question, of length 1. */
  ofQuestion(question: number): Float32Array {
    const chance = random(5, question);
    const near = this.of(chance.whole(this.#memories));
    const own = mixed(part(chance, 1 - questionShare ** 2));
    return unit(near.map((value, i) => questionShare * value + (own[i] as number)));
  }

  #topic(topic: number): Float32Array {
    this.#topics[topic] ??= madeTopic(topic);
    return this.#topics[topic] as Float32Array;
  }
}

function madeTopic(topic: number): Float32Array {
  const chance = random(6, topic);
  const theme = themeVectors[Math.floor(themes * chance.uniform() ** 1.5)] as Float32Array;
  return sum(sum(common, theme), part(chance, shares.topic));
}

function part(chance: Random, share: number): Float32Array {
  const scale = Math.sqrt(share);
  return axes((axis) => scale * (spectrum[axis] as number) * chance.normal());
}

/** Deviations along the axes, whose squares add up to 1. */
function spectrumOf(): Float64Array {
  const variances = Float64Array.from({ length: dimensions }, (_, axis) => (axis + 12) ** -1.5);
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  return variances.map((variance) => Math.sqrt(variance / total));
}

/** A fixed rotation: axes permuted, signs changed, then a Hadamard transform of each third, which spreads every axis over it. */
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

function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  return axes((axis) => (vector[axis] as number) * scale);
}
