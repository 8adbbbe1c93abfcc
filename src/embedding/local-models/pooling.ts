/**
 * How the states of a text's tokens become one vector: their mean, or the state of the first one, which models of the kind of
 * BERT call CLS. Which of the two a model was trained for stands in its description.
 *
 * The vector may be cut to its first numbers, for models trained so that these stand for the whole (Matryoshka Representation
 * Learning, https://arxiv.org/abs/2205.13147).
 */
export type Pooling = 'mean' | 'cls';
