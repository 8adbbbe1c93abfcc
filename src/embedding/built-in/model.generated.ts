// Made by build/pack-model.ts. Do not edit: npm run pack:model
export const modelHash = '0b8b14d19ccbbe9be44e559c67518736f6f1369e88974f3b1fa6ec6a55d94790';
export const modelDimensions = 256;
