/** graphql-codegen: the documents beside the schema in the folder CODEGEN become types and a manifest. */
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

const folder = process.env.CODEGEN;

export default {
  schema: `${folder}/schema.graphql`,
  documents: `${folder}/documents/*.graphql`,
  config: { scalars: { DateTime: 'string', Date: 'string', URL: 'string', Duration: 'string', JSON: 'unknown' }, strictScalars: true },
  generates: {
    [`${folder}/client/`]: {
      preset: 'client',
      presetConfig: { persistedDocuments: true },
      documentTransforms: [addTypenameSelectionDocumentTransform],
    },
    [`${folder}/types.ts`]: { plugins: ['typescript'] },
  },
};
