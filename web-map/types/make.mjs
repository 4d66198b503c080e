// Types of the service out of its own definitions: `npm run types`. A test of the page says when they are old.

import { writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";
import { digest, document } from "./document.mjs";

const blob = ts.factory.createTypeReferenceNode("Blob");
const made = astToString(await openapiTS(document, {
  exportType: true, arrayLength: true, defaultNonNullable: false, emptyObjectsUnknown: true, transform: schema => schema.format === "binary" ? blob : undefined,
}));
const types = made.slice(made.indexOf("export type components"), made.indexOf("    responses: never"));
writeFileSync(new URL("../src/service.gen.ts", import.meta.url),
  `// Made by \`npm run types\` of src/api/openapi/; not to be edited.\n// ${digest}\n\n${types}};\n\n/** What can be asked, by address and method. */\nexport type paths = components["schemas"]["paths"];\n`);
