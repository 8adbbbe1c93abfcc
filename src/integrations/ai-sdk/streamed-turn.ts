import type { ContentPart, StreamPart } from './model-types';
import { isAnswer } from './turns';

interface Text {
  readonly type: 'text';
  text: string;
}

/**
 * Passes a streamed answer on as it comes, and hands it over whole before its last part: whoever has read a stream to its end
 * finds the turn in the store. Nothing is handed over of a stream that fails, is aborted or is not read to its end. Where storing
 * fails, the stream tells of it as models do, with a part of its own.
 */
export function streamedTurn(
  abortSignal: AbortSignal | undefined,
  store: (answer: readonly ContentPart[]) => Promise<void>,
): TransformStream<StreamPart, StreamPart> {
  const answer: ContentPart[] = [];
  const texts = new Map<string, Text>();
  let failed = false;
  return new TransformStream({
    async transform(part, controller) {
      const { type, id, delta, finishReason } = part as StreamPart & Partial<Delta>;
      if (type === 'error') failed = true;
      else if (type === 'text-start') answer.push(begin(texts, id));
      else if (type === 'text-delta') append(texts, id, delta);
      else if (type === 'file') answer.push(part);
      else if (type === 'finish' && !failed && !abortSignal?.aborted && isAnswer(finishReason?.unified ?? 'error'))
        await store(answer).catch((error) => controller.enqueue({ type: 'error', error } as StreamPart));
      controller.enqueue(part);
    },
  });
}

interface Delta {
  readonly id: string;
  readonly delta: string;
  readonly finishReason: { readonly unified: string };
}

function begin(texts: Map<string, Text>, id = ''): Text {
  const text: Text = { type: 'text', text: '' };
  texts.set(id, text);
  return text;
}

function append(texts: Map<string, Text>, id = '', delta = ''): void {
  const text = texts.get(id);
  if (text !== undefined) text.text += delta;
}
