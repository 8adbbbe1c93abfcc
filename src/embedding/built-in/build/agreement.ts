import { seededRandom } from './seeded-random';

/** The vectors of the same texts, row by row: made by the teacher, and by the trained model. */
export interface Compared {
  readonly teacher: Float32Array;
  readonly teacherWidth: number;
  readonly taught: Float32Array;
  readonly taughtWidth: number;
}

/** The number of texts among which the nearest one is searched. */
const pool = 400;
const asked = 1_500;

/**
 * Measures how well the cosines of both models agree on the order of pairs of texts, with Spearman's rank correlation. Half of the
 * pairs are a text and the text that is nearest to it among 400 others, according to the teacher. The other half are random.
 */
export function agreement(compared: Compared, seed: number): number {
  const { teacher, teacherWidth, taught, taughtWidth } = compared;
  const random = seededRandom(seed);
  const count = teacher.length / teacherWidth;
  const any = () => Math.floor(random() * count);
  const byTeacher: number[] = [];
  const byTaught: number[] = [];
  const compare = (a: number, b: number): void => {
    byTeacher.push(cosine(teacher, teacherWidth, a, b));
    byTaught.push(cosine(taught, taughtWidth, a, b));
  };
  for (let i = 0; i < asked; i++) {
    const text = any();
    const others = Array.from({ length: pool }, any).filter((other) => other !== text);
    const near = (other: number) => cosine(teacher, teacherWidth, text, other);
    compare(
      text,
      others.reduce((best, other) => (near(other) > near(best) ? other : best)),
    );
    compare(text, others[0]!);
  }
  return correlation(ranks(byTeacher), ranks(byTaught));
}

function cosine(vectors: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += vectors[a * width + i]! * vectors[b * width + i]!;
  return sum;
}

function ranks(values: readonly number[]): Float64Array {
  const found = new Float64Array(values.length);
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  for (const [rank, i] of order.entries()) found[i] = rank;
  return found;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const middle = (a.length - 1) / 2;
  let both = 0;
  let square = 0;
  for (let i = 0; i < a.length; i++) {
    both += (a[i]! - middle) * (b[i]! - middle);
    square += (a[i]! - middle) ** 2;
  }
  return both / square;
}
