import { needOf } from './boost';

// Loading a record this many steps ahead brings it into the cache in time, if the records are far apart in memory.
const ahead = 16;

/**
 * Estimates the dot products of one query with many vectors of which only the signs are known, 64 dimensions at a time. Finds those
 * that may be as large as needed, and returns their number. What is needed is `least`, or less if there are `boosts`, see boost.ts.
 *
 * Compares the vectors in the first `count` slots of the list `slots`. If `slots` is 0, those in the slots from `first` on.
 *
 * The record of a vector has `stride` bytes: `words` 64-bit words with a bit for each dimension, 1 if the component is positive or 0; then
 * two float32: the factor that turns the sum of the query's components, with the signs of the vector, into an estimate, and the standard
 * deviation of the estimate for a query of length 1.
 *
 * A component of the query is an integer from -8 to 7 multiplied by `scale`. For each word there are five words in `query`. Four have one bit
 * of the integers each: the bits that count 1, 2, 4 and -8. The fifth has a bit for each dimension, 1 if the component is positive or 0.
 * `total` is the sum of the integers.
 *
 * Most vectors are so far away that the number of different signs tells it. For these, the estimate is not computed: `roughScale` multiplied by
 * the sum of equal signs less the different ones, plus `roughDeviations` standard deviations, is below what is needed.
 *
 * For each vector that is found, its place in `slots` is stored in `places`, the estimate in `estimates`, and `deviations` times its
 * standard deviation in `errors`.
 */
export function scanSigns(
  query: usize,
  dimensions: i32,
  total: i32,
  scale: f32,
  roughScale: f32,
  records: usize,
  stride: i32,
  slots: usize,
  first: i32,
  count: i32,
  deviations: f32,
  roughDeviations: f32,
  least: f32,
  boosts: usize,
  boostWeight: f32,
  boostHalf: f32,
  places: usize,
  estimates: usize,
  errors: usize,
): i32 {
  const words = (dimensions + 63) >> 6;
  let found = 0;
  let touched = 0;
  for (let i = 0; i < count; i++) {
    touched |= load<i32>(signRecordAt(slots, first, min(i + ahead, count - 1), records, stride));
    const record = signRecordAt(slots, first, i, records, stride);
    const factors = record + ((<usize>words) << 3);
    const factor = load<f32>(factors);
    const deviation = load<f32>(factors, 4);
    const need = needOf(least, boosts, i, boostWeight, boostHalf);
    let different: i64 = 0;
    let aimedSigns = query + 32;
    for (let from = record; from < factors; from += 8) {
      different += popcnt(load<u64>(from) ^ load<u64>(aimedSigns));
      aimedSigns += 40;
    }
    const rough = (<f32>(dimensions - 2 * <i32>different)) * roughScale * factor;
    if (rough + roughDeviations * deviation < need) continue;

    let aimed = query;
    let ones: i64 = 0;
    let twos: i64 = 0;
    let fours: i64 = 0;
    let eights: i64 = 0;
    for (let from = record; from < factors; from += 8) {
      const signs = load<u64>(from);
      ones += popcnt(signs & load<u64>(aimed));
      twos += popcnt(signs & load<u64>(aimed, 8));
      fours += popcnt(signs & load<u64>(aimed, 16));
      eights += popcnt(signs & load<u64>(aimed, 24));
      aimed += 40;
    }
    const doubled: i32 = <i32>(2 * ones + 4 * twos + 8 * fours - 16 * eights);
    const estimate = (<f32>(doubled - total)) * scale * factor;
    const error = deviations * deviation;
    if (estimate + error < need) continue;
    const to = (<usize>found) << 2;
    store<u32>(places + to, i);
    store<f32>(estimates + to, estimate);
    store<f32>(errors + to, error);
    found++;
  }
  // The condition is never true. It only prevents the compiler from removing the loads that fill the cache.
  return found > count ? touched : found;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function signRecordAt(slots: usize, first: i32, i: i32, records: usize, stride: i32): usize {
  const slot: u32 = slots === 0 ? <u32>(first + i) : load<u32>(slots + ((<usize>i) << 2));
  return records + (<usize>slot) * (<usize>stride);
}
