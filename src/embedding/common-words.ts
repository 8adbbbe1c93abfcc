/**
 * English words that say little about what a text is about. Apostrophes split words, so contractions stand as their parts.
 *
 * Source: the stop list of Snowball's English stemmer (http://snowball.tartarus.org/algorithms/english/stop.txt). A copy of its
 * own, because a change of this list is another embedding space, while one of a keyword index is not.
 */
export const commonWords: ReadonlySet<string> = new Set(
  `i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
  itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
  has had having do does did doing would should could ought a an the and but if or because as until while of at by for with
  about against between into through during before after above below to from up down in out on off over under again further
  then once here there when where why how all any both each few more most other some such no nor not only own same so than
  too very can will just
  s t d m ll re ve don isn aren wasn weren hasn haven hadn doesn didn wouldn shouldn couldn won cannot let`.split(
    /\s+/,
  ),
);
