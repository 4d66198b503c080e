// Types of the service out of its own definition: `npm run types`. A test of the page says when they are old.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const here = path => new URL(path, import.meta.url);
const document = JSON.parse(readFileSync(here("../../src/api/openapi/application.json"), "utf8"));
const digest = createHash("sha256").update(JSON.stringify(document.components.schemas)).digest("hex");
const made = astToString(await openapiTS({ openapi: document.openapi, info: document.info, paths: {}, components: { schemas: document.components.schemas } }, { exportType: true }));
writeFileSync(here("../src/service.gen.ts"), `// Made by \`npm run types\` of src/api/openapi/application.json; not to be edited.\n// ${digest}\n\n${made.slice(made.indexOf("export type components"))}`);
