/**
 * Computes the directions in which the rows vary most: `count` orthonormal rows of `width` numbers, the strongest first. Variation
 * is measured from zero instead of the mean, so that dot products of rows are preserved. Only every `stride`-th row is used.
 */
export function principalComponents(rows: Float32Array, width: number, count: number, stride: number): Float32Array {
  const { values, vectors } = eigen(secondMoments(rows, width, stride), width);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  const components = new Float32Array(count * width);
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < width; i++) components[k * width + i] = vectors[i * width + order[k]!]!;
  }
  return components;
}

/** Computes the dot products of each row with the components. `normalised` scales the results to length 1. */
export function project(
  rows: Float32Array,
  width: number,
  components: Float32Array,
  normalised: boolean,
): Float32Array {
  const count = components.length / width;
  const projected = new Float32Array((rows.length / width) * count);
  for (let row = 0; row < rows.length / width; row++) {
    let squares = 0;
    for (let k = 0; k < count; k++) {
      const value = product(rows, row * width, components, k * width, width);
      projected[row * count + k] = value;
      squares += value * value;
    }
    if (!normalised) continue;
    const length = Math.sqrt(squares);
    for (let k = 0; k < count; k++) projected[row * count + k] = projected[row * count + k]! / length;
  }
  return projected;
}

// Four separate sums, so that the processor can add in parallel. `width` is a multiple of 4.
function product(x: Float32Array, xStart: number, y: Float32Array, yStart: number, width: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < width; i += 4) {
    s0 += x[xStart + i]! * y[yStart + i]!;
    s1 += x[xStart + i + 1]! * y[yStart + i + 1]!;
    s2 += x[xStart + i + 2]! * y[yStart + i + 2]!;
    s3 += x[xStart + i + 3]! * y[yStart + i + 3]!;
  }
  return s0 + s1 + s2 + s3;
}

function secondMoments(rows: Float32Array, width: number, stride: number): Float64Array {
  const moments = new Float64Array(width * width);
  for (let start = 0; start < rows.length; start += stride * width) {
    for (let i = 0; i < width; i++) {
      const value = rows[start + i]!;
      for (let j = i; j < width; j++) moments[i * width + j] = moments[i * width + j]! + value * rows[start + j]!;
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) moments[i * width + j] = moments[j * width + i]!;
  return moments;
}

/** Finds the eigenvalues and eigenvectors of a symmetric matrix with Jacobi's algorithm. The columns of `vectors` are the eigenvectors. */
function eigen(matrix: Float64Array, width: number): { values: Float64Array; vectors: Float64Array } {
  const vectors = new Float64Array(width * width);
  for (let i = 0; i < width; i++) vectors[i * width + i] = 1;
  let largest = 0;
  for (let i = 0; i < width; i++) largest = Math.max(largest, matrix[i * width + i]!);
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < width; p++) {
      for (let q = p + 1; q < width; q++) {
        if (Math.abs(matrix[p * width + q]!) > 1e-9 * largest) rotate(matrix, vectors, width, p, q);
      }
    }
  }
  return { values: Float64Array.from({ length: width }, (_, i) => matrix[i * width + i]!), vectors };
}

function rotate(matrix: Float64Array, vectors: Float64Array, width: number, p: number, q: number): void {
  const theta = (matrix[q * width + q]! - matrix[p * width + p]!) / (2 * matrix[p * width + q]!);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  const turn = (values: Float64Array, a: number, b: number): void => {
    const x = values[a]!;
    const y = values[b]!;
    values[a] = cosine * x - sine * y;
    values[b] = sine * x + cosine * y;
  };
  for (let k = 0; k < width; k++) turn(matrix, k * width + p, k * width + q);
  for (let k = 0; k < width; k++) turn(matrix, p * width + k, q * width + k);
  for (let k = 0; k < width; k++) turn(vectors, k * width + p, k * width + q);
}
