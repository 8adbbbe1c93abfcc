/**
 * English words that carry no meaning in a query. They are left out of queries only: the index contains every word of a text.
 *
 * Source: the stop list of Snowball's English stemmer (http://snowball.tartarus.org/algorithms/english/stop.txt) with `can`, `will`
 * and `just`, as in the copy of PostgreSQL. Texts are split at apostrophes, so the list contains the parts of contractions, except
 * `don` and `won`, which are also words themselves.
 */
export const stopWords: ReadonlySet<string> = new Set(
  `i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
  itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
  has had having do does did doing would should could ought a an the and but if or because as until while of at by for with
  about against between into through during before after above below to from up down in out on off over under again further
  then once here there when where why how all any both each few more most other some such no nor not only own same so than
  too very can will just
  s t d m ll re ve isn aren wasn weren hasn haven hadn doesn didn wouldn shan shouldn couldn mustn cannot let`.split(
    /\s+/,
  ),
);
