/**
 * Returns the dot product that a vector needs: `least`, or less by `weight * score / (score + half)` with the vector's score in `boosts`.
 * A vector that needs nothing above 0 is needed with any dot product. `boosts` is 0 if there are no scores.
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function needOf(least: f32, boosts: usize, i: i32, weight: f32, half: f32): f32 {
  if (boosts === 0) return least;
  const score = load<f32>(boosts + ((<usize>i) << 2));
  const need = least - (weight * score) / (score + half);
  return need > 0 ? need : -Infinity;
}
