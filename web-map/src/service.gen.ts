// Made by `npm run types` of src/api/openapi/application.json; not to be edited.
// d2e9984ec3ad6b6439ff3c836b6870592155bda96d4229b5f9f62e90b301381f

export type components = {
    schemas: {
        Incident: {
            id: string;
            region: string;
            region_name: string;
            grid: string | null;
            grid_name: string | null;
            unit: string | null;
            category: string;
            category_name: string;
            dispute: string | null;
            level: string;
            /** @enum {string} */
            state: "reported" | "accepted" | "rejected" | "dispatched" | "handling" | "suspended" | "handled" | "verified" | "closed";
            occurred_at: string;
            due_at: string | null;
            overdue: boolean;
            summary: string | null;
            at: number[] | null;
            source: string | null;
            version: number;
            emergency: boolean;
        };
        NewIncident: {
            id?: string;
            region?: string;
            category: string;
            dispute?: string;
            /** @enum {string} */
            level?: "grid" | "village" | "township" | "county";
            occurred_at: string;
            due_at?: string;
            summary?: string;
            at?: number[];
        };
        ForeignIncident: {
            id?: string;
            region?: string;
            category: string;
            dispute?: string;
            /** @enum {string} */
            level?: "grid" | "village" | "township" | "county";
            occurred_at: string;
            due_at?: string;
            summary?: string;
            at?: number[];
            source: string;
            source_id: string;
        };
        IncidentBulk: {
            incidents: components["schemas"]["NewIncident"][];
        };
        RefusedIncident: {
            index: number;
            field: string;
            detail: string;
        };
        IncidentStep: {
            /** @enum {string} */
            action: "accept" | "reject" | "dispatch" | "start" | "suspend" | "resume" | "handle" | "return" | "verify" | "close" | "reopen" | "escalate" | "set_due";
            /** @enum {string} */
            level?: "grid" | "village" | "township" | "county";
            reason?: string;
            due_at?: string;
            base_version: number | null;
        };
        IncidentTransition: {
            from_state: string;
            to_state: string;
            from_level: string;
            to_level: string;
            role: string;
            at: string;
            due_at: string | null;
            reason: string | null;
        };
        StatisticsRow: {
            key: string;
            name: string;
            count: number;
            open: number;
            overdue: number;
        };
        Statistics: {
            by: string;
            from: string | null;
            to: string | null;
            rows: components["schemas"]["StatisticsRow"][];
            totals: {
                units: number;
                grids: number;
                households: number;
                leaders: number;
                incidents: number;
                open: number;
                overdue: number;
                today: number;
                days7: number;
            };
            incident_free: components["schemas"]["VillageName"][];
        };
        HotspotCell: {
            h3: string;
            ring: number[][];
            count: number;
            households: number | null;
            expected: number | null;
            neighbours: number | null;
            z: number | null;
            p: number | null;
            p_sim: number | null;
            fdr05: boolean | null;
            class: string | null;
            emerging: string | null;
            density: number | null;
            rank: number | null;
            why: string;
        };
        Hotspots: {
            view: string;
            resolution: number;
            from: string;
            to: string;
            as_of: string;
            incidents: number;
            outside: number;
            mean: number;
            study_cells: number;
            cells: components["schemas"]["HotspotCell"][];
            notes: string[];
        };
        AlertRule: {
            id: string;
            /** @enum {string} */
            kind: "emergency" | "overdue" | "hot_and_growing";
            region: string;
            escalate_after_min: number;
            days: number;
            resolution: number;
            enabled: boolean;
            ships: boolean;
            version: number;
        };
        AlertRuleWish: {
            /** @enum {string} */
            kind: "emergency" | "overdue" | "hot_and_growing";
            region?: string;
            escalate_after_min: number;
            days?: number;
            resolution?: number;
            enabled: boolean;
        };
        Photo: {
            /** @enum {string} */
            kind: "image/jpeg" | "image/png" | "image/webp";
            width: number;
            height: number;
            at: string;
        };
        Alert: {
            id: string;
            kind: string;
            title: string;
            region: string;
            incident: string | null;
            cell: string | null;
            opened_at: string;
            level: string;
            acknowledged: {
                by: string | null;
                at: string;
            } | null;
            escalates_at: string | null;
            closed_at: string | null;
        };
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
            basemaps: string[];
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
            /**
             * @description 库中的或内置的 / the register's own, or one that ships
             * @enum {string}
             */
            origin: "register" | "shipped";
            /** @description 网格按户数均衡 / grids are balanced by households */
            balanced: boolean;
            target_households: number | null;
            tolerance: number;
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
            /** @description 每网格目标户数，代替规则所定 / households a balanced grid should have, instead of the profile's */
            target_households?: number | null;
            /** @description 容许偏差（比例），代替规则所定 / deviation allowed as a share, instead of the profile's */
            tolerance?: number | null;
            /** @description 不得跨越的障碍种类，其余尽量不跨；不写则按登记 / kinds of barriers never crossed, others as seldom as can be; absent: as registered */
            hard_barriers?: string[] | null;
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
            actor_name: string | null;
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
            /** @description 此步已处理的行数，总数未知时也给出 / rows gone over in this stage, also where nobody knows how many there are */
            rows: number | null;
            /** @description 文件的字节数 / bytes of the file */
            bytes: number | null;
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
        Started: {
            job: string;
            import: {
                id: string;
            };
        };
        Reading: {
            map?: {
                [key: string]: string;
            };
            crs?: string | null;
            layer_name?: string | null;
            region?: string | null;
        };
        Fault: {
            file: string;
            sheet: string | null;
            row: number;
            column: string | null;
            id: string | null;
            code: string;
            message: string;
        };
        Column: {
            column: string;
            field: string | null;
            /** @enum {string|null} */
            dropped: "person" | null;
        };
        Preview: {
            import: {
                id: string;
            };
            layer: string;
            file_name?: string;
            bytes?: number;
            format: string;
            encoding?: string | null;
            crs?: string | null;
            datum_suspected?: string | null;
            columns?: components["schemas"]["Column"][];
            warnings?: string[];
            /** @description 请核对之处，不妨碍入库 / what is to be looked at; none of it keeps a row out */
            cautions?: components["schemas"]["Fault"][];
            caution_count?: number;
            rows: number;
            counts: {
                insert: number;
                update: number;
                unchanged: number;
                conflict: number;
                refused?: number;
                buildings?: number;
                unclaimed?: number;
            };
            errors: components["schemas"]["Fault"][];
            error_count: number;
            sample?: Record<string, never>[];
            regions?: {
                code: string;
                name: string | null;
                rows: number;
            }[];
            cells?: Record<string, never>[];
            cell_count?: number;
        };
        Imported: {
            inserted: number;
            updated: number;
            unchanged: number;
            conflicts: number;
            refused: number;
            buildings?: number;
            register_version?: number;
            cells?: number;
            plans?: Record<string, never>[];
        };
        NewExport: {
            /** @enum {string} */
            layer: "regions" | "buildings" | "households" | "barriers" | "officers" | "incidents" | "old_nets" | "centres" | "zones" | "profiles" | "dictionaries" | "grids" | "units" | "leaders";
            /** @enum {string} */
            format: "geojson" | "geojsonseq" | "gpkg" | "fgb" | "shp" | "kml" | "csv" | "xlsx" | "geoparquet" | "toml";
            region?: string | null;
            bbox?: number[] | null;
            as_of?: string | null;
            plan?: string | null;
            with_names?: boolean;
            purpose?: string | null;
        };
        Exported: {
            url: string;
            bytes: number;
            rows: number;
            renamed?: string[][];
        };
        Officer: {
            id: string;
            region: string;
            role: string;
            household: string | null;
            elected_on: string | null;
            valid_from: string | null;
            valid_to: string | null;
            version: number;
            name?: string;
        };
        NewOfficer: {
            id?: string | null;
            region: string;
            /** @enum {string} */
            role: "grid_head" | "grid_worker" | "leader" | "deputy" | "building_head" | "manager";
            name?: string | null;
            phone?: string | null;
            household?: string | null;
            elected_on?: string | null;
            valid_from?: string | null;
            valid_to?: string | null;
        };
        RowChange: {
            seq: number;
            at: string;
            actor: string;
            /** @description 账户或令牌的名称；命令行等没有 / name of the account or token; none of the command line */
            actor_name: string | null;
            /** @enum {string} */
            operation: "register.change" | "plan.edit" | "plan.undo" | "plan.redo";
            /** @description 列；* 为整行新增或删除，unit 为换单元 / column; * where the row came or went, unit where a household came to another unit */
            column: string;
            before: unknown;
            after: unknown;
            /**
             * @description 为何不给出值 / why the values are not given
             * @enum {string|null}
             */
            withheld: "personal" | "geometry" | null;
            reason: string | null;
        };
        AuditEntry: {
            seq: number;
            time: string;
            actor: string;
            /** @description 账户或令牌的名称；命令行等没有 / name of the account or token; none of the command line */
            actor_name: string | null;
            scope: string;
            operation: string;
            target: string;
            /** @description 查看或导出姓名、电话的用途 / what names or telephones were looked at or taken out for */
            purpose: string | null;
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
            /** @description 409：改在前面的人 / 409: who was faster */
            author_name?: string;
            /** @description 401：统一身份认证登录的地址，若已启用 / where to sign in with the organisation's accounts, where that is on */
            sign_in_at?: string;
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
