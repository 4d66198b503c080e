// Made by `npm run types` of src/api/openapi/; not to be edited.
// 024f5a862c07742fa67184b1cac2b1f63d9fd68184b6647e28fb1bc14e14057e

export type components = {
    schemas: {
        /** @description 经度、纬度，度（WGS 84）/ longitude and latitude, degrees (WGS 84) */
        LonLat: [
            number,
            number
        ];
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
            /** @enum {string} */
            level: "grid" | "village" | "township" | "county";
            /** @enum {string} */
            state: "reported" | "accepted" | "rejected" | "dispatched" | "handling" | "suspended" | "handled" | "verified" | "closed";
            occurred_at: string;
            due_at: string | null;
            overdue: boolean;
            summary: string | null;
            at: components["schemas"]["LonLat"] | null;
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
            at?: components["schemas"]["LonLat"];
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
            at?: components["schemas"]["LonLat"];
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
            /** @enum {string} */
            from_state: "reported" | "accepted" | "rejected" | "dispatched" | "handling" | "suspended" | "handled" | "verified" | "closed";
            /** @enum {string} */
            to_state: "reported" | "accepted" | "rejected" | "dispatched" | "handling" | "suspended" | "handled" | "verified" | "closed";
            /** @enum {string} */
            from_level: "grid" | "village" | "township" | "county";
            /** @enum {string} */
            to_level: "grid" | "village" | "township" | "county";
            /** @enum {string} */
            role: "viewer" | "planner" | "admin";
            at: string;
            due_at: string | null;
            reason: string | null;
        };
        IncidentDetail: {
            incident: components["schemas"]["Incident"];
            transitions: components["schemas"]["IncidentTransition"][];
            photo: components["schemas"]["Photo"] | null;
            allowed: {
                /** @enum {string} */
                action: "accept" | "reject" | "dispatch" | "start" | "suspend" | "resume" | "handle" | "return" | "verify" | "close" | "reopen" | "escalate" | "set_due";
                needs: ("reason" | "due_at" | "level")[];
            }[];
            near: {
                grid_officers: components["schemas"]["NearOfficer"][];
                unit_officers: components["schemas"]["NearOfficer"][];
            };
        };
        NearOfficer: {
            id: string;
            /** @enum {string} */
            role: "grid_head" | "grid_worker" | "leader" | "deputy" | "building_head" | "manager";
        };
        Dictionaries: {
            categories: {
                key: string;
                name: string;
                name_en: string;
                enabled: boolean;
                /** @description 网格、村、乡镇、县各级的办理时限，小时 / hours it may take at grid, village, township and county */
                due_hours: [
                    number,
                    number,
                    number,
                    number
                ];
            }[];
            disputes: {
                key: string;
                name: string;
                name_en: string;
            }[];
            states: {
                key: string;
                name: string;
            }[];
            levels: {
                key: string;
                name: string;
            }[];
            actions: {
                key: string;
                name: string;
            }[];
        };
        StatisticsRow: {
            key: string;
            name: string;
            count: number;
            open: number;
            overdue: number;
        };
        Statistics: {
            /** @enum {string} */
            by: "category" | "level" | "state" | "region" | "day" | "grid" | "unit";
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
            ring: components["schemas"]["LonLat"][];
            count: number;
            households: number | null;
            expected: number | null;
            neighbours: number | null;
            z: number | null;
            p: number | null;
            p_sim: number | null;
            fdr05: boolean | null;
            /** @enum {string|null} */
            class: "hot" | "cold" | "none" | "island" | "constant" | "no_households" | null;
            /** @enum {string|null} */
            emerging: "new_hot" | "consecutive_hot" | "intensifying_hot" | "persistent_hot" | "diminishing_hot" | "sporadic_hot" | "oscillating_hot" | "historical_hot" | "new_cold" | "consecutive_cold" | "intensifying_cold" | "persistent_cold" | "diminishing_cold" | "sporadic_cold" | "oscillating_cold" | "historical_cold" | "none" | null;
            /** @description 件/平方公里 / per km² */
            density: number | null;
            rank: number | null;
            why: string;
        };
        Hotspots: {
            /** @enum {string} */
            view: "gi" | "rate" | "count" | "emerging" | "density";
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
            /** @enum {string} */
            kind: "emergency" | "overdue" | "hot_and_growing";
            title: string;
            region: string;
            incident: string | null;
            cell: string | null;
            opened_at: string;
            /** @enum {string} */
            level: "grid" | "village" | "township" | "county";
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
            /** @enum {string} */
            by: "session" | "token" | "demo";
            basemaps: "tianditu"[];
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
            /** @enum {string} */
            level: "city" | "county" | "township" | "village";
            parent: string | null;
            /** @description 西、南、东、北，度 / west, south, east, north, degrees */
            bbox: [
                number,
                number,
                number,
                number
            ] | null;
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
        Operation: {
            /** @enum {string} */
            operation: "transfer_buildings";
            buildings: string[];
            to: string;
        } | {
            /** @enum {string} */
            operation: "split_grid";
            grid: string;
            by: components["schemas"]["SplitBy"];
        } | {
            /** @enum {string} */
            operation: "merge_grids";
            grids: string[];
        } | {
            /** @enum {string} */
            operation: "create_dedicated";
            buildings: string[];
            name: string;
        } | {
            /** @enum {string} */
            operation: "retire_dedicated";
            grid: string;
            into?: string;
        } | {
            /** @enum {string} */
            operation: "move_household";
            household: string;
            unit: string;
        } | {
            /** @enum {string} */
            operation: "set_officers";
            unit: string;
            leader: string;
            deputies?: string[];
        } | {
            /** @enum {string} */
            operation: "lock" | "unlock";
            target: components["schemas"]["LockTarget"];
        } | {
            /** @enum {string} */
            operation: "rename";
            grid: string;
            name: string;
        } | {
            /** @enum {string} */
            operation: "rebalance";
            grids?: string[];
            seed?: number;
            rounds?: number;
        } | {
            /** @enum {string} */
            operation: "reform_units";
            grid: string;
            seed?: number;
            rounds?: number;
        };
        LockTarget: {
            grid: string;
        } | {
            unit: string;
        } | {
            building: string;
        } | {
            officers: string;
        } | "all";
        SplitBy: {
            count: number;
        } | {
            line: components["schemas"]["LonLat"][];
        };
        Batch: {
            village: string;
            operations: components["schemas"]["Operation"][];
            base_version?: number | null;
            grid_versions?: [
                string,
                number
            ][];
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
            /** @enum {string} */
            rule: "H1" | "H2" | "H3" | "H4" | "H5" | "H6" | "H7" | "H8" | "H9" | "H10" | "H11";
            ids: string[];
            message: string;
        };
        Reason: {
            /** @enum {string} */
            kind: "unknown" | "locked" | "cut_off" | "empty" | "not_neighbours" | "line" | "invalid" | "codes_exhausted" | "rule";
            /** @description 硬性规则，如 H3 / the hard rule, like H3 */
            rule?: string;
            ids: string[];
            message: string;
            /** @description 先做什么，可为空 / what to do first; may be empty */
            first: string;
            /** @description 照此先做 / operations that do it */
            remedy: components["schemas"]["Operation"][];
        };
        /** @description 操作为何不成：有原因列表，或一词 / why operations are not done: reasons with the way out, or a word */
        Refusal: {
            /** @description 第几个操作，从 0 起 / which operation, from 0 */
            operation?: number | null;
            reasons?: components["schemas"]["Reason"][];
            kind?: string;
            ids?: string[];
            breach?: components["schemas"]["Breach"];
            judged?: number;
            version?: number;
            reason?: string;
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
            households_in_other_grid: string[];
            households_in_other_unit: string[];
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
            /** @enum {string} */
            kind: "edit" | "undo" | "redo";
            /** @description 撤销、重做的是第几次 / the entry that an undo or redo is about */
            target: number | null;
            version: number;
            actor: string;
            actor_name: string | null;
            at: string;
            /** @description 做了什么；范围外的为空 / what was asked; null outside of one's area */
            operation: ({
                village: string;
                operations: components["schemas"]["Operation"][];
                /** @enum {string} */
                policy: "refuse" | "keep_as_draft_problem";
            } | {
                /** @enum {string} */
                operation: "absorb";
                village: string;
                register_version: number;
            } | {
                /** @enum {string} */
                operation: "ledger";
                ledger: string;
                rows: number;
                remarks: {
                    [key: string]: string;
                };
            }) | null;
            undone: boolean;
            grids: string[];
        };
        ComparedVillage: {
            village: string;
            households_in_other_grid: string[];
            households_in_other_unit: string[];
            households_only_second: string[];
            households_only_first: string[];
            changed_grids: string[];
            /** @description 前一方案、后一方案 / of the first and the second plan */
            figures: [
                components["schemas"]["Figures"],
                components["schemas"]["Figures"]
            ] | null;
        };
        JobHead: {
            id: string;
            /** @enum {string} */
            status: "running" | "done" | "failed" | "cancelled";
            share: number;
            stage: string;
            /** @description 此步已处理的行数，总数未知时也给出 / rows gone over in this stage, also where nobody knows how many there are */
            rows: number | null;
            /** @description 文件的字节数 / bytes of the file */
            bytes: number | null;
            problem: components["schemas"]["Problem"] | null;
        };
        /** @description 结果因任务种类而异，done 时才有 / what came of it depends on its kind; there once it is done */
        Job: (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "plan";
            result: components["schemas"]["PlanMade"] | null;
        }) | (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "absorb";
            result: {
                villages: components["schemas"]["Followed"][];
            } | null;
        }) | (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "import.preview";
            result: (components["schemas"]["Preview"] | components["schemas"]["LedgerPreview"]) | null;
        }) | (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "import";
            result: components["schemas"]["Imported"] | null;
        }) | (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "export";
            result: components["schemas"]["Exported"] | null;
        }) | (components["schemas"]["JobHead"] & {
            /** @enum {string} */
            kind: "scan";
            result: {
                incidents: number;
                clusters: components["schemas"]["Outbreak"][];
            } | null;
        });
        PlanMade: {
            plan: components["schemas"]["Plan"];
            villages: number;
            grids: number;
            units: number;
            breaches: components["schemas"]["Breach"][];
            /** @description 与现行方案相比 / against the plan in force */
            moved: {
                households_compared: number;
                new_households: number;
                gone_households: number;
                grid_changed: {
                    households: number;
                    share: number | null;
                };
                unit_changed: {
                    households: number;
                    share: number | null;
                };
            } | null;
            nets: components["schemas"]["KeptNet"][];
            exceptions: {
                village: string;
                subject: string;
                households: number;
                reason: string;
                ids: string[];
            }[];
            /** @description 超出容差的村 / villages beyond the tolerance */
            balance: {
                village: string;
                tolerance: number;
                deviation: number;
                grids: number;
                /** @enum {string} */
                better: "taken" | "taken_not_proven" | "none_proven" | "not_decided" | "not_asked";
                moves_tried: number;
                swaps_tried: number;
            }[];
        };
        KeptNet: {
            net: string;
            old_border_m: number;
            kept_m: number;
            kept_share: number;
            households: number;
            households_changed: number;
        };
        Followed: {
            village: string;
            version: number | null;
            count: {
                arrived: number;
                departed: number;
                buildings_new: number;
                buildings_gone: number;
                others_moved: number;
                others_in_other_grid: number;
            };
            problems: components["schemas"]["Breach"][];
            notes: string[];
            moved_by_new_plan: number | null;
            /** @description 未能跟随的原因 / why it was left as it was */
            skipped?: string;
        };
        Outbreak: {
            centre: components["schemas"]["LonLat"];
            radius_m: number;
            from: string;
            to: string;
            observed: number;
            expected: number;
            p: number;
            /** @description 天 / days */
            recurrence_days: number | null;
            why: string;
        };
        Village: {
            plan: components["schemas"]["Plan"];
            village: string;
            name: string | null;
            hash: string;
            behind: components["schemas"]["Behind"] | null;
            rules: components["schemas"]["PlanRules"];
            grids: components["schemas"]["PlanGrid"][];
            units: components["schemas"]["PlanUnit"][];
            buildings: components["schemas"]["PlanBuilding"][];
            households: components["schemas"]["PlanHousehold"][];
            atoms: components["schemas"]["PlanAtom"][];
            edges: components["schemas"]["PlanEdge"][];
            atom_grid: number[];
            problems: components["schemas"]["Breach"][];
            figures: components["schemas"]["Figures"];
        };
        /** @description 名册已变，方案尚未跟随：此时只可查看，不可修改 / the register has moved on and the plan has not followed: the village can be looked at and not edited */
        Behind: {
            unassigned: {
                building: string;
                at: components["schemas"]["LonLat"];
                /** @description 方案中已有此楼 / the plan has the building in a grid */
                seated: boolean;
                /** @description 未编入单元的户数 / households in no unit */
                households: number;
                ids: string[];
            }[];
            /** @description 方案中已不在本村名册的户数 / households of the plan that are no longer in the village's register */
            departed: number;
            /** @description 方案中已不在本村名册的楼栋数 / buildings of the plan that are no longer in the village's register */
            buildings_gone: number;
        };
        PlanRules: {
            unit: {
                min: number;
                max: number;
                deputies: number;
            };
            grid: {
                target_households: number;
                tolerance: number;
                max_persons: number | null;
            };
        };
        PlanGrid: {
            code: string;
            name: string;
            /** @enum {string} */
            kind: "base" | "dedicated" | "level1";
            locked: boolean;
            households: number;
            buildings: number;
            persons: number | null;
            /** @description 户数÷目标−1 / households ÷ target − 1 */
            deviation: number | null;
            /** @description 户 / households */
            target: number | null;
            /** @description 最后改动它的方案版本，未改过为 0 / version of the plan that touched it last; 0 where none did */
            version: number;
        };
        PlanUnit: {
            code: string;
            locked: boolean;
            officers_locked: boolean;
            leader: string | null;
            deputies: string[];
            /** @description 户数不合规则的原因 / why its size is outside the rules */
            exception: string | null;
            households: number;
        };
        PlanBuilding: {
            id: string;
            /** @description 所在小片的序号 / index of its cell */
            atom: number;
            households: number;
            /** @description 网格的序号 / index of its grid */
            grid: number;
            locked: boolean;
        };
        PlanAtom: {
            at: components["schemas"]["LonLat"];
            /** @description 多边形，各为环的列表，外环在前，闭合 / polygons, each a list of rings, exterior first, closed */
            parts: components["schemas"]["LonLat"][][][];
        };
        PlanHousehold: [
            string,
            number,
            number,
            boolean
        ];
        PlanEdge: [
            number,
            number,
            number,
            0 | 1
        ];
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
            file_name: string;
            bytes: number;
            format: string;
            encoding: string | null;
            crs: string | null;
            datum_suspected: string | null;
            columns: components["schemas"]["Column"][];
            warnings: string[];
            /** @description 请核对之处，不妨碍入库 / what is to be looked at; none of it keeps a row out */
            cautions: components["schemas"]["Fault"][];
            caution_count: number;
            rows: number;
            counts: {
                insert: number;
                update: number;
                unchanged: number;
                conflict: number;
                refused: number;
                buildings: number;
            };
            errors: components["schemas"]["Fault"][];
            error_count: number;
            sample: {
                [key: string]: (string | number | boolean | number[]) | null;
            }[];
            regions: {
                code: string;
                name: string | null;
                rows: number;
            }[];
        };
        LedgerPreview: {
            import: {
                id: string;
            };
            layer: string;
            file_name: string;
            bytes: number;
            format: string;
            rows: number;
            counts: {
                insert: number;
                update: number;
                unchanged: number;
                conflict: number;
                unclaimed: number;
            };
            cells: {
                row: number;
                code: string;
                column: string;
                before: (string | number | boolean) | null;
                after: (string | number | boolean) | null;
            }[];
            cell_count: number;
            errors: components["schemas"]["Fault"][];
            error_count: number;
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
            plans?: {
                plan: string;
                version: number;
            }[];
        };
        NewExport: {
            /** @enum {string} */
            layer: "regions" | "buildings" | "households" | "barriers" | "officers" | "incidents" | "old_nets" | "centres" | "zones" | "profiles" | "dictionaries" | "grids" | "units" | "leaders";
            /** @enum {string} */
            format: "geojson" | "geojsonseq" | "gpkg" | "fgb" | "shp" | "kml" | "csv" | "xlsx" | "geoparquet" | "toml";
            region?: string | null;
            bbox?: [
                number,
                number,
                number,
                number
            ] | null;
            as_of?: string | null;
            plan?: string | null;
            with_names?: boolean;
            purpose?: string | null;
        };
        Exported: {
            url: string;
            bytes: number;
            rows: number;
            renamed: [
                string,
                string
            ][];
        };
        Officer: {
            id: string;
            region: string;
            /** @enum {string} */
            role: "grid_head" | "grid_worker" | "leader" | "deputy" | "building_head" | "manager";
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
        PlanEvent: {
            /** @enum {string} */
            operation: "plan.create" | "plan.fork" | "plan.edit" | "plan.undo" | "plan.redo" | "plan.publish" | "plan.derive";
            plan: string;
            region: string;
            at: string;
        };
        RegisterEvent: {
            operation: string;
            layer: string;
            at: string;
        };
        IncidentEvent: {
            id: string;
            /** @enum {string} */
            operation: "created" | "changed";
            region: string;
            grid: string | null;
            unit: string | null;
            /** @enum {string|null} */
            level: "grid" | "village" | "township" | "county" | null;
            category: string | null;
            state: string | null;
            emergency: boolean | null;
            version: number | null;
            occurred_at: string | null;
            at_time: string;
        };
        AlertEvent: {
            id: string;
            /** @enum {string} */
            operation: "opened" | "acknowledged" | "escalated" | "closed";
            /** @enum {string} */
            kind: "emergency" | "overdue" | "hot_and_growing";
            region: string;
            incident: string | null;
            cell: string | null;
            /** @enum {string} */
            level: "grid" | "village" | "township" | "county";
            at_time: string;
        };
        JobEvent: {
            id: string;
            kind: string;
            /** @enum {string} */
            status: "running" | "done" | "failed" | "cancelled";
            share: number;
            stage: string;
            rows: number | null;
            bytes: number | null;
            version: number;
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
            author?: string;
            time?: string;
            /** @description 409：别人改过的网格 / 409: grids that others changed */
            grids?: string[];
            /** @description 409、412：现在的版本 / 409, 412: the version now */
            current_version?: number;
            edit?: number | null;
            refusal?: components["schemas"]["Refusal"];
            plan?: string;
            breaches?: components["schemas"]["Breach"][];
            reason?: string;
            allowed?: string[];
            refused?: components["schemas"]["RefusedIncident"][];
            layer?: string;
            id?: string | null;
            import?: {
                id: string;
            };
            columns?: components["schemas"]["Column"][];
            layers?: string[];
            conflicts?: {
                id: string;
                file_version: number;
                store_version: number;
            }[];
            errors?: components["schemas"]["Fault"][];
            error_count?: number;
        };
        OgcLink: {
            href: string;
            rel: string;
            type?: string;
            title?: string;
            templated?: boolean;
        };
        OgcPosition: [
            number,
            number
        ];
        OgcGeometry: {
            /** @enum {string} */
            type: "Point";
            coordinates: components["schemas"]["OgcPosition"];
        } | {
            /** @enum {string} */
            type: "MultiPoint";
            coordinates: components["schemas"]["OgcPosition"][];
        } | {
            /** @enum {string} */
            type: "LineString";
            coordinates: components["schemas"]["OgcPosition"][];
        } | {
            /** @enum {string} */
            type: "MultiLineString";
            coordinates: components["schemas"]["OgcPosition"][][];
        } | {
            /** @enum {string} */
            type: "Polygon";
            coordinates: components["schemas"]["OgcPosition"][][];
        } | {
            /** @enum {string} */
            type: "MultiPolygon";
            coordinates: components["schemas"]["OgcPosition"][][][];
        } | {
            /** @enum {string} */
            type: "GeometryCollection";
            geometries: components["schemas"]["OgcGeometry"][];
        };
        OgcFeature: {
            /** @enum {string} */
            type: "Feature";
            id: string;
            geometry: components["schemas"]["OgcGeometry"] | null;
            properties: Record<string, unknown>;
            links?: components["schemas"]["OgcLink"][];
        };
        OgcFeatureCollection: {
            /** @enum {string} */
            type: "FeatureCollection";
            numberMatched: number;
            numberReturned: number;
            links: components["schemas"]["OgcLink"][];
            features: components["schemas"]["OgcFeature"][];
        };
        paths: {
            "/api/openapi.json": {
                get: {
                    answer: Record<string, unknown>;
                };
            };
            "/api/session": {
                post: {
                    body: components["schemas"]["SignIn"];
                    answer: components["schemas"]["Principal"];
                };
                get: {
                    answer: components["schemas"]["Principal"];
                };
                delete: Record<string, unknown>;
            };
            "/api/users": {
                get: {
                    answer: {
                        users: components["schemas"]["User"][];
                    };
                };
                post: {
                    body: components["schemas"]["NewUser"];
                    answer: components["schemas"]["User"];
                };
            };
            "/api/users/{id}": {
                patch: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["UserChange"];
                    answer: components["schemas"]["User"];
                };
            };
            "/api/tokens": {
                get: {
                    answer: {
                        tokens: components["schemas"]["Token"][];
                    };
                };
                post: {
                    body: components["schemas"]["NewToken"];
                    answer: components["schemas"]["FreshToken"];
                };
            };
            "/api/tokens/{id}": {
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/regions": {
                get: {
                    query: {
                        parent?: string;
                        level?: string;
                    };
                    answer: {
                        regions: components["schemas"]["Region"][];
                    };
                };
            };
            "/api/imports": {
                post: {
                    query: {
                        /** @enum {string} */
                        layer: "regions" | "buildings" | "households" | "barriers" | "officers" | "incidents" | "old_nets" | "centres" | "zones" | "profiles" | "dictionaries";
                        file_name: string;
                        region?: string;
                    };
                    /** Format: binary */
                    body: Blob;
                    answer: components["schemas"]["Started"];
                };
            };
            "/api/imports/{id}": {
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/imports/{id}/preview": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["Reading"];
                    answer: components["schemas"]["Started"];
                };
            };
            "/api/imports/{id}/commit": {
                post: {
                    path: {
                        id: string;
                    };
                    body: {
                        /** @default false */
                        partial?: boolean;
                        /** @description 导入原因，记入审计和修改记录；台账不用 / why, as the audit log and the changes of each row keep it; not for ledgers */
                        reason?: string;
                    };
                    answer: components["schemas"]["Started"];
                };
            };
            "/api/imports/{id}/errors": {
                get: {
                    path: {
                        id: string;
                    };
                    query: {
                        /**
                         * @default csv
                         * @enum {string}
                         */
                        f?: "csv" | "xlsx";
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/api/ledgers/{kind}/import": {
                post: {
                    path: {
                        kind: string;
                    };
                    query: {
                        plan?: string;
                        file_name?: string;
                    };
                    /** Format: binary */
                    body: Blob;
                    answer: components["schemas"]["Started"];
                };
            };
            "/api/exports": {
                post: {
                    body: components["schemas"]["NewExport"];
                    answer: {
                        job: string;
                    };
                };
            };
            "/api/exports/{id}/file": {
                get: {
                    path: {
                        id: string;
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/api/ledgers/{kind}": {
                get: {
                    path: {
                        kind: string;
                    };
                    query: {
                        plan?: string;
                        region?: string;
                        /**
                         * @default xlsx
                         * @enum {string}
                         */
                        f?: "xlsx" | "csv";
                        /** @default false */
                        with_names?: boolean;
                        purpose?: string;
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/api/officers": {
                get: {
                    query: {
                        region?: string;
                        scope?: string;
                        purpose?: string;
                        after?: string;
                        /** @default 100 */
                        limit?: number;
                    };
                    answer: {
                        officers: components["schemas"]["Officer"][];
                        next: string | null;
                        number_matched: number;
                    };
                };
                post: {
                    body: components["schemas"]["NewOfficer"];
                    answer: {
                        officer: components["schemas"]["Officer"];
                    };
                };
            };
            "/api/officers/{id}": {
                put: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["NewOfficer"];
                    answer: {
                        officer: components["schemas"]["Officer"];
                    };
                };
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/officers/{id}/reveal": {
                post: {
                    path: {
                        id: string;
                    };
                    body: {
                        purpose: string;
                    };
                    answer: {
                        id: string;
                        name: string | null;
                        phone: string | null;
                        sealed: boolean;
                    };
                };
            };
            "/api/register/{layer}/{id}/changes": {
                get: {
                    path: {
                        /** @enum {string} */
                        layer: "regions" | "buildings" | "households" | "barriers" | "officers" | "incidents" | "old_nets" | "centres" | "zones" | "profiles" | "dictionaries";
                        id: string;
                    };
                    query: {
                        after?: number;
                        /** @default 200 */
                        limit?: number;
                    };
                    answer: {
                        layer: string;
                        id: string;
                        changes: components["schemas"]["RowChange"][];
                        next: number | null;
                    };
                };
            };
            "/api/audit": {
                get: {
                    query: {
                        after?: number;
                        /** @default 100 */
                        limit?: number;
                        actor?: string;
                        operation?: string;
                        from?: string;
                        to?: string;
                    };
                    answer: {
                        entries: components["schemas"]["AuditEntry"][];
                        next: number | null;
                        chain_ok: boolean;
                    };
                };
            };
            "/api/profiles": {
                get: {
                    answer: {
                        profiles: components["schemas"]["Profile"][];
                    };
                };
            };
            "/api/plans": {
                get: {
                    query: {
                        region?: string;
                        /** @enum {string} */
                        status?: "draft" | "live" | "retired";
                    };
                    answer: {
                        plans: components["schemas"]["Plan"][];
                    };
                };
                post: {
                    body: components["schemas"]["NewPlan"];
                    answer: {
                        job: string;
                    };
                };
            };
            "/api/plans/{id}": {
                get: {
                    path: {
                        id: string;
                    };
                    answer: {
                        plan: components["schemas"]["Plan"];
                        villages: components["schemas"]["VillageName"][];
                    };
                };
            };
            "/api/plans/{id}/villages/{village}": {
                get: {
                    path: {
                        id: string;
                        village: string;
                    };
                    answer: components["schemas"]["Village"];
                };
            };
            "/api/plans/{id}/preview": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["Batch"];
                    answer: components["schemas"]["Effect"];
                };
            };
            "/api/plans/{id}/edits": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["Batch"];
                    answer: {
                        committed: components["schemas"]["Committed"];
                        effect: components["schemas"]["Effect"] | null;
                        village: components["schemas"]["Village"];
                    };
                };
            };
            "/api/plans/{id}/undo": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["Turn"];
                    answer: components["schemas"]["Turned"];
                };
            };
            "/api/plans/{id}/redo": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["Turn"];
                    answer: components["schemas"]["Turned"];
                };
            };
            "/api/plans/{id}/history": {
                get: {
                    path: {
                        id: string;
                    };
                    query: {
                        after?: number;
                        /** @default 200 */
                        limit?: number;
                    };
                    answer: {
                        entries: components["schemas"]["HistoryEntry"][];
                    };
                };
            };
            "/api/plans/{id}/check": {
                get: {
                    path: {
                        id: string;
                    };
                    answer: {
                        version: number;
                        breaches: components["schemas"]["Breach"][];
                    };
                };
            };
            "/api/plans/{id}/publish": {
                post: {
                    path: {
                        id: string;
                    };
                    body: {
                        base_version: number;
                        date: string;
                    };
                    answer: {
                        plan: components["schemas"]["Plan"];
                    };
                };
            };
            "/api/plans/{id}/fork": {
                post: {
                    path: {
                        id: string;
                    };
                    body: {
                        name?: string;
                    };
                    answer: {
                        plan: components["schemas"]["Plan"];
                    };
                };
            };
            "/api/plans/{id}/absorb": {
                post: {
                    path: {
                        id: string;
                    };
                    body: {
                        region?: string;
                    };
                    answer: {
                        job: string;
                    };
                };
            };
            "/api/plans/{id}/wall-map": {
                get: {
                    path: {
                        id: string;
                    };
                    query: {
                        village?: string;
                        /** @enum {string} */
                        f?: "pdf" | "svg";
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/api/plans/{id}/compare/{other}": {
                get: {
                    path: {
                        id: string;
                        other: string;
                    };
                    query: {
                        region?: string;
                    };
                    answer: {
                        villages: components["schemas"]["ComparedVillage"][];
                    };
                };
            };
            "/api/dictionaries": {
                get: {
                    answer: components["schemas"]["Dictionaries"];
                };
            };
            "/api/incidents": {
                get: {
                    query: {
                        region?: string;
                        grid?: string;
                        unit?: string;
                        category?: string;
                        level?: string;
                        state?: string;
                        /** @enum {string} */
                        open?: "true" | "false";
                        /** @enum {string} */
                        overdue?: "true" | "false";
                        from?: string;
                        to?: string;
                        bbox?: [
                            number,
                            number,
                            number,
                            number
                        ];
                        /** @default 100 */
                        limit?: number;
                        after?: string;
                        /** @enum {string} */
                        order?: "-occurred_at" | "occurred_at";
                    };
                    answer: {
                        incidents: components["schemas"]["Incident"][];
                        next: string | null;
                        number_matched: number;
                    };
                };
                post: {
                    body: components["schemas"]["NewIncident"];
                    answer: {
                        incident: components["schemas"]["Incident"];
                    };
                };
            };
            "/api/incidents/bulk": {
                post: {
                    query: {
                        /** @enum {string} */
                        partial?: "true" | "false";
                    };
                    body: components["schemas"]["IncidentBulk"];
                    answer: {
                        created: number;
                        unchanged: number;
                        unassigned: number;
                        refused: components["schemas"]["RefusedIncident"][];
                    };
                };
            };
            "/api/incidents/{id}": {
                get: {
                    path: {
                        id: string;
                    };
                    answer: components["schemas"]["IncidentDetail"];
                };
            };
            "/api/incidents/{id}/transitions": {
                post: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["IncidentStep"];
                    answer: {
                        incident: components["schemas"]["Incident"];
                    };
                };
            };
            "/api/incidents/{id}/photo": {
                get: {
                    path: {
                        id: string;
                    };
                    /** Format: binary */
                    answer: Blob;
                };
                put: {
                    path: {
                        id: string;
                    };
                    /** Format: binary */
                    body: Blob;
                    answer: {
                        photo: components["schemas"]["Photo"];
                    };
                };
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/alerts": {
                get: {
                    query: {
                        region?: string;
                        /** @enum {string} */
                        open?: "true" | "false";
                        limit?: number;
                    };
                    answer: {
                        alerts: components["schemas"]["Alert"][];
                    };
                };
            };
            "/api/alerts/{id}/acknowledge": {
                post: {
                    path: {
                        id: string;
                    };
                    body: Record<string, unknown>;
                    answer: {
                        alert: components["schemas"]["Alert"];
                    };
                };
            };
            "/api/alert-rules": {
                get: {
                    answer: {
                        rules: components["schemas"]["AlertRule"][];
                    };
                };
            };
            "/api/alert-rules/{id}": {
                put: {
                    path: {
                        id: string;
                    };
                    body: components["schemas"]["AlertRuleWish"];
                    answer: {
                        rule: components["schemas"]["AlertRule"];
                    };
                };
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/report": {
                get: {
                    query: {
                        region?: string;
                        day?: string;
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/api/statistics": {
                get: {
                    query: {
                        region?: string;
                        from?: string;
                        to?: string;
                        /** @enum {string} */
                        by?: "category" | "level" | "state" | "region" | "day" | "grid" | "unit";
                        category?: string;
                        level?: string;
                        state?: string;
                        /** @enum {string} */
                        open?: "true" | "false";
                        /** @enum {string} */
                        overdue?: "true" | "false";
                        /** @enum {string} */
                        f?: "json" | "csv" | "xlsx";
                    };
                    answer: components["schemas"]["Statistics"];
                };
            };
            "/api/hotspots": {
                get: {
                    query: {
                        region?: string;
                        /** @default 9 */
                        resolution?: number;
                        from?: string;
                        to?: string;
                        category?: string;
                        level?: string;
                        state?: string;
                        /** @enum {string} */
                        open?: "true" | "false";
                        /** @enum {string} */
                        overdue?: "true" | "false";
                        /** @enum {string} */
                        view?: "gi" | "rate" | "count" | "emerging" | "density";
                        seed?: number;
                    };
                    answer: components["schemas"]["Hotspots"];
                };
            };
            "/api/scan": {
                get: {
                    query: {
                        region?: string;
                        radius?: string;
                        days?: number;
                        from?: string;
                        to?: string;
                        category?: string;
                        level?: string;
                        state?: string;
                        /** @enum {string} */
                        open?: "true" | "false";
                        /** @enum {string} */
                        overdue?: "true" | "false";
                        permutations?: number;
                        seed?: number;
                    };
                    answer: {
                        job: string;
                    };
                };
            };
            "/api/intake": {
                post: {
                    body: components["schemas"]["ForeignIncident"];
                    answer: {
                        incident: components["schemas"]["Incident"];
                    };
                };
            };
            "/api/jobs/{id}": {
                get: {
                    path: {
                        id: string;
                    };
                    answer: components["schemas"]["Job"];
                };
                delete: {
                    path: {
                        id: string;
                    };
                };
            };
            "/api/events": {
                get: {
                    query: {
                        last_event_id?: number;
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
            "/ogc/collections/{collectionId}/items": {
                get: {
                    path: {
                        /** @enum {string} */
                        collectionId: "regions" | "grids" | "units" | "leaders" | "buildings" | "incidents" | "households" | "hotspots";
                    };
                    query: {
                        /** @enum {string} */
                        f?: "json" | "html" | "fgb" | "gpkg" | "csv" | "xlsx" | "kml" | "shp" | "geojsonseq";
                        /** @default 100 */
                        limit?: number;
                        cursor?: string;
                        bbox?: [
                            number,
                            number,
                            number,
                            number
                        ] | [
                            number,
                            number,
                            number,
                            number,
                            number,
                            number
                        ];
                        /** Format: uri */
                        "bbox-crs"?: string;
                        /** Format: uri */
                        crs?: string;
                        datetime?: string;
                        ids?: string[];
                        sortby?: string;
                        properties?: string[];
                        filter?: string;
                        /**
                         * @default cql2-text
                         * @enum {string}
                         */
                        "filter-lang"?: "cql2-text" | "cql2-json";
                        /** Format: uri */
                        "filter-crs"?: string;
                        /** @default false */
                        skipGeometry?: boolean;
                    };
                    answer: components["schemas"]["OgcFeatureCollection"];
                };
            };
            "/ogc/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": {
                get: {
                    path: {
                        /** @enum {string} */
                        collectionId: "regions" | "grids" | "units" | "leaders" | "buildings" | "incidents" | "households" | "hotspots";
                        /** @enum {string} */
                        tileMatrixSetId: "WebMercatorQuad" | "CGCS2000Quad";
                        tileMatrix: number;
                        tileRow: number;
                        tileCol: number;
                    };
                    query: {
                        /** @enum {string} */
                        f?: "mvt" | "pbf";
                    };
                    /** Format: binary */
                    answer: Blob;
                };
            };
        };
    };
};

/** What can be asked, by address and method. */
export type paths = components["schemas"]["paths"];
