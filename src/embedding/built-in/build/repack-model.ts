// Packs the trained weights again, without training: npm run pack:model
import { writePackedModel } from './pack-model';

const { bytes, hash } = await writePackedModel();
process.stderr.write(`${bytes} bytes, SHA-256 ${hash}\n`);
