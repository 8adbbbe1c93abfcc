/**
 * Estimates the dot products of one query with many vectors of which only the signs are known, for 16 vectors at a time. Stores for each
 * vector the highest dot product that it may have: its estimate, and `deviations` times its standard deviation. Returns the highest of all.
 *
 * The vectors are in blocks of 16, from the block `first` on. In a block, 16 bytes have eight signs of each vector, 1 if the component is
 * positive or 0: a first group of four signs in the low bits, and a second group in the high bits. The next 16 bytes have the next eight
 * signs. Two such rows of bytes are a step. After `steps` steps, two lists of 16 float32 follow: the factors that turn the sum of the query's
 * components, with the signs of the vector, into an estimate, and the standard deviations of the estimates for a query of length 1. The bytes
 * of the first eight vectors are those with even numbers, so that the results are in the order of the vectors.
 *
 * For each group of signs, `tables` has 16 bytes: for each combination of signs, the sum of the query's components with these signs, rounded
 * to an integer from 0 to 63. The sums of the groups, multiplied by `scale`, and `offset` added up are the sum of all components.
 */
export function estimateSigns(
  tables: usize,
  steps: i32,
  scale: f32,
  offset: f32,
  deviations: f32,
  records: usize,
  stride: i32,
  first: i32,
  blocks: i32,
  results: usize,
): f32 {
  const lowBits = i8x16.splat(15);
  const lowBytes = i16x8.splat(255);
  let to = results + ((<usize>first) << 6);
  const end = records + (<usize>(first + blocks)) * (<usize>stride);
  let most = f32x4.splat(-Infinity);
  for (let block = records + (<usize>first) * (<usize>stride); block < end; block += stride) {
    let even = i16x8.splat(0);
    let odd = i16x8.splat(0);
    let at = block;
    let table = tables;
    for (let step = 0; step < steps; step++) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      // Four integers of at most 63 do not overflow a byte.
      const sums = i8x16.add(
        i8x16.add(
          i8x16.swizzle(v128.load(table), v128.and(a, lowBits)),
          i8x16.swizzle(v128.load(table, 16), v128.and(i16x8.shr_u(a, 4), lowBits)),
        ),
        i8x16.add(
          i8x16.swizzle(v128.load(table, 32), v128.and(b, lowBits)),
          i8x16.swizzle(v128.load(table, 48), v128.and(i16x8.shr_u(b, 4), lowBits)),
        ),
      );
      even = i16x8.add(even, v128.and(sums, lowBytes));
      odd = i16x8.add(odd, i16x8.shr_u(sums, 8));
      at += 32;
      table += 64;
    }
    const initial = highestOf(i32x4.extend_low_i16x8_u(even), scale, offset, deviations, at);
    const second = highestOf(i32x4.extend_high_i16x8_u(even), scale, offset, deviations, at + 16);
    const third = highestOf(i32x4.extend_low_i16x8_u(odd), scale, offset, deviations, at + 32);
    const fourth = highestOf(i32x4.extend_high_i16x8_u(odd), scale, offset, deviations, at + 48);
    v128.store(to, initial);
    v128.store(to, second, 16);
    v128.store(to, third, 32);
    v128.store(to, fourth, 48);
    most = f32x4.pmax(most, f32x4.pmax(f32x4.pmax(initial, second), f32x4.pmax(third, fourth)));
    to += 64;
  }
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/**
 * Finds the results of `estimateSigns` that are at least `low` and below `high`, among `count` results. Stores their places, and returns their
 * number.
 */
export function selectSigns(results: usize, count: i32, low: f32, high: f32, places: usize): i32 {
  const atLeast = f32x4.splat(low);
  const below = f32x4.splat(high);
  let found = 0;
  for (let place = 0; place < count; place += 4) {
    const values = v128.load(results + ((<usize>place) << 2));
    let bits = i32x4.bitmask(v128.and(f32x4.ge(values, atLeast), f32x4.lt(values, below)));
    while (bits !== 0) {
      const each = place + ctz(bits);
      bits &= bits - 1;
      if (each >= count) break;
      store<u32>(places + ((<usize>found) << 2), each);
      found++;
    }
  }
  return found;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function highestOf(sums: v128, scale: f32, offset: f32, deviations: f32, factors: usize): v128 {
  const sum = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.splat(scale)), f32x4.splat(offset));
  const error = f32x4.mul(f32x4.splat(deviations), v128.load(factors, 64));
  return f32x4.add(f32x4.mul(sum, v128.load(factors)), error);
}
