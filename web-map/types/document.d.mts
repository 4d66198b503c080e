/** As much of JSON Schema as the tests look at. */
export interface Schema { properties?: Readonly<Record<string, Schema>>; required?: readonly string[]; oneOf?: readonly Schema[]; allOf?: readonly Schema[]; items?: Schema | boolean }
export const document: { components: { schemas: Readonly<Record<string, Schema>> } };
export const digest: string;
