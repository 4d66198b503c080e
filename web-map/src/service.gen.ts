// Made by `npm run types` of src/api/openapi/application.json; not to be edited.
// c871e1b818ccaef3d664286671e4e6c76075ddcb2d7e5f3bc69fb06fa155cd50

export type components = {
    schemas: {
        SignIn: {
            name: string;
            password: string;
        };
        Principal: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
            by: string;
        };
        User: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
            created_at: string;
            disabled_at: string | null;
        };
        NewUser: {
            name: string;
            password: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
        };
        UserChange: {
            /** @enum {string} */
            role?: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region?: string;
            password?: string;
            disabled?: boolean;
        };
        Token: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
            created_by: string;
            created_at: string;
            expires_at: string;
            revoked_at: string | null;
        };
        FreshToken: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
            created_by: string;
            created_at: string;
            expires_at: string;
            revoked_at: string | null;
            token: string;
        };
        NewToken: {
            name: string;
            /** @enum {string} */
            role: "viewer" | "planner" | "exporter" | "admin" | "auditor";
            region: string;
            days?: number;
        };
        Region: {
            code: string;
            name: string;
            level: string;
            parent: string | null;
            bbox: number[] | null;
            /** @description 村的现行网格数 / grids in force, of a village */
            grids: number | null;
            /** @description 其中户数 / households in them */
            households: number | null;
        };
        Profile: {
            name: string;
            title: string;
            note: string;
        };
        Plan: {
            id: string;
            name: string;
            region: string;
            /** @enum {string} */
            status: "draft" | "live" | "retired";
            version: number;
            seed: number;
            valid_from: string | null;
            valid_to: string | null;
            profile: string;
            input_version: number;
        };
        VillageName: {
            code: string;
            name: string;
        };
        NewPlan: {
            region: string;
            profile: string;
            name?: string;
            seed?: number;
            budget_s?: number | null;
            old_nets?: (string[] | string) | null;
        };
        Batch: {
            village: string;
            operations: Record<string, never>[];
            base_version?: number | null;
            grid_versions?: unknown[][];
            /** @enum {string} */
            policy?: "refuse" | "keep_as_draft_problem";
        };
        Turn: {
            seq?: number | null;
        };
        Committed: {
            version: number;
            seq: number;
            grids: string[];
        };
        Turned: {
            committed: components["schemas"]["Committed"];
            villages: string[];
        };
        Breach: {
            rule: string;
            ids: string[];
            message: string;
        };
        Effect: {
            touched: string[];
            moved: {
                grid: number;
                unit: number;
                unit_code: number;
            };
            before: components["schemas"]["Figures"];
            after: components["schemas"]["Figures"];
            problems: components["schemas"]["Breach"][];
            notes: string[];
            grids: {
                code: string;
                households: number;
                deviation: number | null;
            }[];
            units_touched: string[];
        };
        Figures: {
            base_grids: number;
            dedicated_grids: number;
            deviation: number;
            mean_polsby_popper: number;
            min_polsby_popper: number;
            units: number;
            households_in_exceptions: number;
            sse_m2: number;
        };
        HistoryEntry: {
            seq: number;
            kind: string;
            target: number | null;
            version: number;
            actor: string;
            at: string;
            operation: unknown;
            undone: boolean;
            grids: string[];
        };
        ComparedVillage: {
            village: string;
            changed_grids: string[];
        };
        Job: {
            id: string;
            kind: string;
            /** @enum {string} */
            status: "running" | "done" | "failed" | "cancelled";
            share: number;
            stage: string;
            result: unknown;
            problem: unknown;
        };
        Village: {
            plan: components["schemas"]["Plan"];
            village: string;
            name: string | null;
            hash: string;
            rules: Record<string, never>;
            grids: Record<string, never>[];
            units: Record<string, never>[];
            buildings: Record<string, never>[];
            households: unknown[][];
            atoms: Record<string, never>[];
            edges: unknown[][];
            atom_grid: number[];
            problems: components["schemas"]["Breach"][];
            figures: components["schemas"]["Figures"];
        };
        Problem: {
            type: string;
            title: string;
            status: number;
            code: string;
            detail: string;
            field?: string;
            hint?: string;
            request_id: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
};
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
