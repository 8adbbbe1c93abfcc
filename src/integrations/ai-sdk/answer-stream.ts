import { isFinalAnswer } from './ai-sdk-turn';
import type { ContentPart, StreamPart } from './language-model';

interface TextPart {
  readonly type: 'text';
  text: string;
}

/** The fields that are read from stream parts. Each kind of part has some of them. */
interface StreamFields {
  readonly id: string;
  readonly delta: string;
  readonly finishReason: { readonly unified: string };
}

/**
 * Passes a streamed answer on unchanged and collects its parts. It stores the complete answer before it passes on the `finish` part, so
 * a reader that has reached the end finds the turn in the store. Nothing is stored if the stream fails, is aborted or is not read to
 * its end. If storing fails, an additional `error` part is added to the stream.
 */
export function storeAtEnd(
  abortSignal: AbortSignal | undefined,
  store: (answer: readonly ContentPart[]) => Promise<void>,
): TransformStream<StreamPart, StreamPart> {
  const answer: ContentPart[] = [];
  const texts = new Map<string, TextPart>();
  let failed = false;
  return new TransformStream({
    async transform(part, controller) {
      const { type, id, delta, finishReason } = part as StreamPart & Partial<StreamFields>;
      if (type === 'error') failed = true;
      else if (type === 'text-start') answer.push(startText(texts, id));
      else if (type === 'text-delta') appendText(texts, id, delta);
      else if (type === 'file') answer.push(part);
      else if (type === 'finish' && !failed && !abortSignal?.aborted && isFinalAnswer(finishReason?.unified ?? 'error'))
        await store(answer).catch((error) => controller.enqueue({ type: 'error', error } as StreamPart));
      controller.enqueue(part);
    },
  });
}

function startText(texts: Map<string, TextPart>, id = ''): TextPart {
  const part: TextPart = { type: 'text', text: '' };
  texts.set(id, part);
  return part;
}

function appendText(texts: Map<string, TextPart>, id = '', delta = ''): void {
  const part = texts.get(id);
  if (part !== undefined) part.text += delta;
}
