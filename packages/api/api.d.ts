/** Made from the collector's OpenAPI document by npm run api. */

export interface paths {
  "/api/v1/session/link/{token}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Sign in with a single-use link; sets the cookie and leads to the page */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          token: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        303: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/session": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Sign in with name and password; sets the cookie */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            name: string;
            password: string;
          };
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Me"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    /** Sign out */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        204: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/me": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who is signed in */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Me"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Incidents by priority, then newest first */
    get: {
      parameters: {
        query?: {
          state?: "open" | "all" | string;
          priority?: string;
          site?: string;
          device?: string;
          kind?: string;
          review?: "true";
          parent?: string;
          q?: string;
          limit?: number;
          order?: "urgency" | "id";
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["IncidentList"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One incident with its timeline, runbook and what belongs to it */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["IncidentDetail"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/{id}/actions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Do something to an incident
     * @description 409 when `version` is given and the incident moved on, with the incident as it is now; 422 when its state does not allow it.
     */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["IncidentAction"];
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Incident"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/actions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Do the same to many incidents, each by itself
     * @description Always 200 when the request is well-formed: each incident has its own result.
     */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["BulkRequest"];
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["BulkResult"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/{id}/triage": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What kind of trouble it is, its likely cause, and what the past says */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Triage"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/{id}/handover": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All that a field engineer needs of it, on one page */
    get: {
      parameters: {
        query?: {
          format?: "json" | "text";
        };
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description As JSON, or as plain text of 80 columns */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["HandOver"];
            "text/plain": string;
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/overview": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Everything in figures */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Overview"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/sites": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All sites */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Site"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/sites/{site}/devices": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Devices of a site */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          site: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Device"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/sites/{site}/device": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One device with its values and faults */
    get: {
      parameters: {
        query: {
          id: string;
        };
        header?: never;
        path: {
          site: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["DeviceDetail"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/sites/{site}/events": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What devices told, such as traps and restarts; newest first */
    get: {
      parameters: {
        query?: {
          device?: string;
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path: {
          site: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["DeviceEvent"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/sites/{site}/series": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One metric of one device over time, in buckets */
    get: {
      parameters: {
        query: {
          device: string;
          component?: string;
          metric: string;
          from: number;
          to: number;
          points?: number;
        };
        header?: never;
        path: {
          site: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Series"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/people": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Names that an incident can be assigned to */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": string[];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/rules": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The rules in use; with a site and a device only those that look at it */
    get: {
      parameters: {
        query?: {
          site?: string;
          device?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Rule"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/rules/{rule}/explain": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Why a rule fires on a device, a component or a site, or why not; now, or at a time that has passed */
    get: {
      parameters: {
        query: {
          site: string;
          device?: string;
          component?: string;
          at?: number;
        };
        header?: never;
        path: {
          rule: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Explanation"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/agents": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All agents; or so many of them, by site and name */
    get: {
      parameters: {
        query?: {
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Agent"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/agents/{site}/{agent}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One agent: its deliveries, and the devices that cost it most time */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          site: string;
          agent: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AgentDetail"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    /** Takes an agent out: its password, its session and its devices; history and incidents stay */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          site: string;
          agent: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        204: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/agents/{site}/{agent}/commands": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What an agent was asked to do, by whom, and what came of it; newest first */
    get: {
      parameters: {
        query?: {
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path: {
          site: string;
          agent: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Command"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    /** Asks an agent to poll now, to reload its file (administrators) or for diagnostics */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          site: string;
          agent: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            /** @enum {string} */
            kind: "probe_now" | "reload" | "send_diagnostics";
            /** @default null */
            device?: string | null;
          };
        };
      };
      responses: {
        /** @description Default Response */
        202: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Command"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/commands/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One command */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Command"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/audit/delivery": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What became of every batch: stored, late, thinned, owed or missing, by agent, epoch and lane */
    get: {
      parameters: {
        query?: {
          site?: string;
          agent?: string;
          since?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["DeliveryAudit"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/audit/delivery/explain": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Explains all that is missing of an agent now; it stays in the ledger, and no longer alarms */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            site: string;
            agent: string;
            text: string;
          };
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              explained: number;
            };
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/maintenance": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Maintenance windows: planned, running, and those of the last days */
    get: {
      parameters: {
        query?: {
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["MaintenanceWindow"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    /** Plans maintenance: what fails in it calls nobody */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            reason: string;
            where: {
              site?: string[];
              device?: string[];
              kind?: (
                | "pos_terminal"
                | "receipt_printer"
                | "label_printer"
                | "office_printer"
                | "barcode_scanner"
                | "scale"
                | "cash_drawer"
                | "payment_terminal"
                | "conveyor"
                | "drive"
                | "ups"
                | "pdu"
                | "network_switch"
                | "router"
                | "access_point"
                | "wireless_controller"
                | "device_server"
                | "sensor"
                | "camera"
                | "video_recorder"
                | "host"
                | "agent"
                | "collector"
              )[];
              labels?: {
                [key: string]: string[];
              };
            };
            from?: number;
            to?: number;
            weekly?: {
              days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
              from: string;
              to: string;
              timeZone?: string;
            };
          };
        };
      };
      responses: {
        /** @description Default Response */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["MaintenanceWindow"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/maintenance/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    /** Changes a window that is not over: all of it is given anew */
    put: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            reason: string;
            where: {
              site?: string[];
              device?: string[];
              kind?: (
                | "pos_terminal"
                | "receipt_printer"
                | "label_printer"
                | "office_printer"
                | "barcode_scanner"
                | "scale"
                | "cash_drawer"
                | "payment_terminal"
                | "conveyor"
                | "drive"
                | "ups"
                | "pdu"
                | "network_switch"
                | "router"
                | "access_point"
                | "wireless_controller"
                | "device_server"
                | "sensor"
                | "camera"
                | "video_recorder"
                | "host"
                | "agent"
                | "collector"
              )[];
              labels?: {
                [key: string]: string[];
              };
            };
            from?: number;
            to?: number;
            weekly?: {
              days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
              from: string;
              to: string;
              timeZone?: string;
            };
          };
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["MaintenanceWindow"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/maintenance/{id}/end": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Ends a window now, or drops one that has not begun */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["MaintenanceWindow"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/notifications/channels": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The channels of notifications.yaml, and how they are */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["NotificationChannel"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/notifications/log": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Attempts to deliver, newest first, a page at a time */
    get: {
      parameters: {
        query?: {
          incident?: string;
          channel?: string;
          outcome?: "delivered" | "retry" | "failed";
          limit?: number;
          before?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["NotificationLog"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/incidents/{id}/notifications": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who was told of an incident, what waits and until when, and why nobody was told */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["IncidentTold"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/notifications/preview": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * What a channel would be sent; nothing is
     * @description 422 when the words that are tried out are no template, with what is wrong in which line.
     */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["NotificationPreviewRequest"];
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["NotificationPreview"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/notifications/channels/{channel}/test": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Sends a test by this channel at once, and says how it went */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          channel: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["NotificationAttempt"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/report": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The figures of the incidents that were opened in a time, and what was open at its end */
    get: {
      parameters: {
        query?: {
          from?: number;
          to?: number;
          by?: "none" | "site" | "kind" | "vendor" | "model" | "hour" | "rule" | "slot";
          site?: string;
          kind?: string;
          priority?: string;
          parts?: string;
          tables?: string;
          top?: number;
          format?: "json" | "csv";
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description As JSON, or as a table */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["IncidentReport"];
            "text/csv": string;
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/privacy/person": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All that is held of a person, by their name */
    get: {
      parameters: {
        query: {
          name: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["PersonTrace"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/privacy/erase": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Gives a person another name in everything that is held, or says what that would do
     * @description 409 `still_user` while they may sign in. All or nothing.
     */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            name: string;
            /** @default false */
            trial?: boolean;
            /** @default false */
            inText?: boolean;
          };
        };
      };
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Erasure"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/audit/log": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who signed in, and what was administered; newest first */
    get: {
      parameters: {
        query?: {
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AuditRecord"][];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/audit/export": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Everything that was written down in a time, as lines of JSON that vouch for each other */
    get: {
      parameters: {
        query: {
          from: number;
          to: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description JSON lines */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/x-ndjson": string;
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/v1/stream": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Server-sent events: each `data` is a StreamEvent as JSON
     * @description Goes on after the event whose id is given in `Last-Event-ID`, or in `after` where headers can't be set.
     */
    get: {
      parameters: {
        query?: {
          after?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description An endless stream */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "text/event-stream": components["schemas"]["StreamEvent"];
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/healthz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** 200 only while ingest works; else 503 with the reasons */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Default Response */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Health"];
          };
        };
        /** @description Default Response */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Health"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/metrics": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Prometheus text; from loopback, or with a sign-in or token */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Prometheus text format */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "text/plain": string;
          };
        };
        /** @description Default Response */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    BulkRequest: {
      incidents: {
        id: string;
        version?: number;
      }[];
      action: components["schemas"]["IncidentAction"];
    };
    IncidentAction:
      | {
          /** @constant */
          action: "acknowledge";
          version?: number;
        }
      | {
          /** @constant */
          action: "assign";
          to: string | null;
          group?: string | null;
          /** @enum {number} */
          tier?: 0 | 1 | 2 | 3 | 4;
          version?: number;
        }
      | {
          /** @constant */
          action: "start";
          version?: number;
        }
      | {
          /** @constant */
          action: "hold";
          /** @enum {string} */
          reason: "awaiting_vendor" | "awaiting_part" | "awaiting_site_access" | "awaiting_change" | "awaiting_caller";
          /** @default null */
          text: string | null;
          version?: number;
        }
      | {
          /** @constant */
          action: "resume";
          version?: number;
        }
      | {
          /** @constant */
          action: "note";
          text: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "check";
          item: string;
          done: boolean;
          version?: number;
        }
      | {
          /** @constant */
          action: "vendor";
          vendor: string;
          ref: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "resolve";
          /** @enum {string} */
          code:
            | "consumable_replaced"
            | "cleaned"
            | "reseated"
            | "restarted"
            | "reconfigured"
            | "swapped"
            | "rma"
            | "network"
            | "power"
            | "upstream"
            | "user_handling"
            | "self_recovered"
            | "false_positive"
            | "duplicate"
            | "no_fault_found"
            | "rule_changed"
            | "rule_removed"
            | "device_removed";
          /** @default null */
          text: string | null;
          /** @enum {number} */
          tier?: 0 | 1 | 2 | 3 | 4;
          followUp?: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "reopen";
          why: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "close";
          version?: number;
        }
      | {
          /** @constant */
          action: "cancel";
          /** @enum {string} */
          code: "false_positive" | "duplicate" | "test";
          /** @default null */
          text: string | null;
          version?: number;
        }
      | {
          /** @constant */
          action: "review";
          /** @default null */
          text: string | null;
          version?: number;
        }
      | {
          /** @constant */
          action: "claim_pause";
          /** @enum {string} */
          clock?: "response" | "restore" | "vendor";
          from: number;
          to: number;
          /** @enum {string} */
          reason: "awaiting_vendor" | "awaiting_part" | "awaiting_site_access" | "awaiting_change" | "awaiting_caller";
          text: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "escalate";
          /** @enum {number} */
          tier?: 2 | 3 | 4;
          why: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "set_priority";
          priority: ("P1" | "P2" | "P3" | "P4" | "P5") | null;
          why: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "correct_onset";
          onset: number;
          why: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "correct_resolution";
          /** @enum {string} */
          code:
            | "consumable_replaced"
            | "cleaned"
            | "reseated"
            | "restarted"
            | "reconfigured"
            | "swapped"
            | "rma"
            | "network"
            | "power"
            | "upstream"
            | "user_handling"
            | "self_recovered"
            | "false_positive"
            | "duplicate"
            | "no_fault_found"
            | "rule_changed"
            | "rule_removed"
            | "device_removed";
          why: string;
          version?: number;
        }
      | {
          /** @constant */
          action: "merge";
          into: string;
          intoVersion?: number;
          version?: number;
        }
      | {
          /** @constant */
          action: "split";
          version?: number;
        };
    NotificationPreviewRequest: {
      channel: string;
      /**
       * @default opened
       * @enum {string}
       */
      event:
        | "opened"
        | "reopened"
        | "escalated"
        | "sla_warned"
        | "sla_breached"
        | "recovered"
        | "resolved"
        | "cancelled"
        | "storm"
        | "summary"
        | "group"
        | "test";
      incident?: string;
      subject?: string;
      body?: string;
    };
    AgentDetail: {
      agent: components["schemas"]["Agent"];
      slowest: {
        device: string;
        seconds: number;
        everySeconds: number;
      }[];
      delivery: components["schemas"]["DeliveryAudit"];
    };
    Agent: {
      site: string;
      siteName: string;
      id: string;
      online: boolean;
      heard: boolean;
      version: string | null;
      host: string | null;
      epoch: string | null;
      startedAt: number | null;
      lastSeenAt: number;
      outbox: {
        batches: number;
        bytes: number;
        bytesMax: number | null;
        ageSeconds: number;
        inMemory: string | null;
      } | null;
      clockOffsetSeconds: number | null;
      timesShiftedSeconds: number;
      cost: {
        memoryBytes: number;
        cpuPercent: number;
      } | null;
      disk: {
        totalBytes: number;
        freeBytes: number;
      } | null;
      devices: number;
      missingBatches: number;
      owed: {
        live: number;
        history: number;
      };
      thinnedSamples: number;
      refusedClaims: string[];
      epochRefused: boolean;
    };
    Attainment: {
      met: number;
      breached: number;
      share: number | null;
    };
    AuditRecord: {
      at: number;
      actor: string;
      action: string;
      detail: string;
    };
    BulkResult: {
      results: {
        id: string;
        ok: boolean;
        incident: components["schemas"]["Incident"] | null;
        error: {
          error: string;
          message: string;
        } | null;
      }[];
      done: number;
      refused: number;
    };
    Cause: {
      /** @enum {string} */
      is:
        | "consumable"
        | "mechanical"
        | "connectivity"
        | "power"
        | "configuration"
        | "software"
        | "environment"
        | "upstream"
        | "user_handling"
        | "unknown";
      text: string;
      /** @enum {string} */
      strength: "strong" | "likely" | "possible";
      evidence: {
        text: string;
        at: number | null;
        incident: string | null;
      }[];
    };
    Command: {
      id: string;
      site: string;
      agent: string;
      /** @enum {string} */
      kind: "probe_now" | "reload" | "send_diagnostics";
      device: string | null;
      by: string;
      issuedAt: number;
      deadlineAt: number;
      /** @enum {string} */
      state: "sent" | "unanswered" | "done" | "refused" | "failed" | "expired";
      answeredAt: number | null;
      detail: string;
    };
    DeliveryAudit: {
      unexplained: number;
      lanes: components["schemas"]["DeliveryLane"][];
      missing: components["schemas"]["MissingSpan"][];
      thinned: components["schemas"]["ThinnedSpan"][];
    };
    DeliveryLane: {
      site: string;
      agent: string;
      epoch: string;
      /** @enum {string} */
      lane: "live" | "history";
      isCurrent: boolean;
      firstSeq: number;
      seq: number;
      safeSeq: number;
      announced: number;
      batches: number;
      late: number;
      samples: number;
      repeats: number;
      thinnedBatches: number;
      thinnedSamples: number;
      lostBatches: number;
      queued: number;
      owed: number;
      missing: number;
      explained: number;
      isBalanced: boolean;
      lastAt: number;
    };
    Device: {
      site: string;
      id: string;
      name: string;
      kind: string;
      agent: string;
      driver: string;
      profile: string | null;
      address: string | null;
      labels: {
        [key: string]: string;
      };
      dependsOn: string[];
      intervalMs: number;
      asset: {
        vendor?: string;
        model?: string;
        serial?: string;
        firmware?: string;
      };
      /** @enum {string} */
      state: "up" | "down" | "unreachable" | "unknown";
      worst: ("info" | "minor" | "major" | "critical") | null;
      lastReadingAt: number | null;
      lastFailure: {
        at: number;
        kind: string;
        detail: string;
      } | null;
      incidents: string[];
    };
    DeviceDetail: {
      device: components["schemas"]["Device"];
      values: components["schemas"]["MetricValue"][];
      faults: {
        rule: string;
        component: string | null;
        /** @enum {string} */
        state: "inactive" | "pending" | "firing" | "recovering";
        severity: ("info" | "minor" | "major" | "critical") | null;
        since: number;
        suppressedBy: string | null;
        stale: boolean;
        flapping: boolean;
        inactiveHours: boolean;
        maintenance: string | null;
      }[];
      dependents: string[];
      events: components["schemas"]["DeviceEvent"][];
    };
    DeviceEvent: {
      at: number;
      device: string;
      component: string | null;
      code: string;
      meaning: string | null;
      detail: string;
    };
    Erasure: {
      pseudonym: string | null;
      isTrial: boolean;
      records: {
        [key: string]: number;
      };
      texts: {
        /** @enum {string} */
        place:
          | "incident"
          | "event"
          | "notification"
          | "attempt"
          | "command"
          | "audit"
          | "gap_note"
          | "token"
          | "maintenance";
        key: string;
        text: string;
      }[];
      textCount: number;
      areTextsReplaced: boolean;
      underway: number;
      files: string[];
      isCompacted: boolean;
    };
    Escalation: {
      chain: string;
      steps: {
        when: string;
        tier: number | null;
        tell: string[];
        run: string | null;
        calendar: string;
        repeats: number;
        taken: number;
      }[];
      next: {
        step: number;
        at: number;
      } | null;
      nextByHand: number | null;
    };
    Explanation: {
      rule: string;
      ruleVersion: string;
      subject: {
        site: string;
        device: string | null;
        component: string | null;
      };
      at: number;
      summary: string;
      /** @enum {string} */
      state: "inactive" | "pending" | "firing" | "recovering";
      severity: ("info" | "minor" | "major" | "critical") | null;
      since: number | null;
      stale: boolean;
      suppressedBy: string | null;
      conditions: {
        severity: ("info" | "minor" | "major" | "critical") | null;
        when: string;
        holds: boolean | null;
        since: number | null;
        forMs: number;
        dueAt: number | null;
        terms: {
          depth: number;
          text: string;
          value: number | boolean | null;
          unit: string;
          readings: {
            component: string | null;
            metric: string;
            value: number | boolean;
            at: number;
            isStale: boolean;
          }[];
          note: string;
        }[];
      }[];
      facts: {
        name: string;
        text: string;
      }[];
      replayedFrom: number | null;
      caveats: string[];
    };
    Figures: {
      incidents: {
        opened: number;
        open: number;
        resolved: number;
        cancelled: number;
        merged: number;
      };
      detect: components["schemas"]["Spread"];
      acknowledge: components["schemas"]["Spread"];
      restore: components["schemas"]["Spread"];
      resolve: components["schemas"]["Spread"];
      resolveUnpaused: components["schemas"]["Spread"];
      unacknowledged: {
        open: number;
        over: number;
      };
      betweenFailures: {
        failures: number;
        measured: number;
        exposureMs: number | null;
        meanMs: number | null;
        deviceMs: number | null;
        rate: {
          value: number;
          low: number;
          high: number;
        } | null;
        gaps: components["schemas"]["Spread"];
      };
      firstLine: components["schemas"]["Share"];
      selfRecovered: components["schemas"]["Share"];
      reopened: components["schemas"]["Share"];
      backlog: {
        total: number;
        byAge: {
          upTo: string;
          byPriority: {
            [key: string]: number;
          };
        }[];
      };
      sla: {
        response: components["schemas"]["Attainment"];
        restore: components["schemas"]["Attainment"];
        vendor: components["schemas"]["Attainment"];
      };
      penalties: {
        currency: string;
        amount: number;
        incidents: number;
      }[];
      noise: {
        fires: number;
        calls: number;
        falsePositives: components["schemas"]["Share"];
        life: components["schemas"]["Spread"];
      };
    };
    HandOver: {
      id: string;
      title: string;
      sentence: string;
      /** @enum {string} */
      state: "new" | "acknowledged" | "in_progress" | "on_hold" | "resolved" | "closed" | "cancelled" | "merged";
      /** @enum {string} */
      priority: "P1" | "P2" | "P3" | "P4" | "P5";
      /** @enum {string} */
      severity: "info" | "minor" | "major" | "critical";
      madeAt: number;
      where: {
        site: string;
        siteName: string;
        address: string | null;
        timeZone: string;
        isOpen: boolean;
        hours: string;
        device: string | null;
        deviceName: string | null;
        component: string | null;
        kind: string | null;
        labels: string[];
        networkAddress: string | null;
        contacts: {
          name: string;
          role: string;
          phone: string | null;
          email: string | null;
          reachable: boolean;
        }[];
      };
      hardware: components["schemas"]["Hardware"];
      vendorRef: {
        vendor: string;
        ref: string;
      } | null;
      since: {
        onset: number;
        openedAt: number;
        recoveredAt: number | null;
        local: string;
      };
      values: {
        metric: string;
        text: string;
      }[];
      chart: {
        metric: string;
        unit: string;
        isBoolean: boolean;
        threshold: number | null;
        from: number;
        to: number;
        points: {
          at: number;
          mean: number;
          min: number;
          max: number;
        }[];
      } | null;
      classification: {
        /** @enum {string} */
        is:
          | "consumable"
          | "mechanical"
          | "connectivity"
          | "power"
          | "configuration"
          | "software"
          | "environment"
          | "upstream"
          | "user_handling"
          | "unknown";
        why: string;
      };
      causes: components["schemas"]["Cause"][];
      tried: {
        at: number;
        /** @enum {string} */
        is: "step" | "note" | "remedy" | "resolved" | "waited" | "vendor";
        text: string;
        by: string | null;
      }[];
      earlier: {
        counts: string;
        usual: string | null;
        helped: string[];
        last: {
          incident: string;
          /** @enum {string} */
          by: "slot" | "asset" | "model" | "site" | "category";
          openedAt: number;
          site: string;
          slot: string | null;
          rule: string;
          code:
            | (
                | "consumable_replaced"
                | "cleaned"
                | "reseated"
                | "restarted"
                | "reconfigured"
                | "swapped"
                | "rma"
                | "network"
                | "power"
                | "upstream"
                | "user_handling"
                | "self_recovered"
                | "false_positive"
                | "duplicate"
                | "no_fault_found"
                | "rule_changed"
                | "rule_removed"
                | "device_removed"
                | "test"
              )
            | null;
          isOpen: boolean;
          tookMs: number | null;
        }[];
      };
      stepsOpen: string[];
      stepsMore: number;
      stepsDone: number;
      bring: string[];
      text: string;
    };
    Hardware: {
      vendor: string | null;
      model: string | null;
      serial: string | null;
      firmware: string | null;
      tag: string | null;
      purchased: string | null;
      warranty: {
        until: string;
        /** @enum {string} */
        state: "valid" | "ending" | "over";
        days: number;
      } | null;
      replacedBy: string | null;
      service: {
        id: string;
        name: string;
        phone: string | null;
        email: string | null;
        portal: string | null;
        contract: string | null;
      } | null;
    };
    Health: {
      ok: boolean;
      reasons: string[];
    };
    Incident: {
      id: string;
      version: number;
      /** @enum {string} */
      state: "new" | "acknowledged" | "in_progress" | "on_hold" | "resolved" | "closed" | "cancelled" | "merged";
      subject: {
        site: string;
        device: string | null;
        component: string | null;
      };
      siteName: string;
      deviceName: string | null;
      kind: string | null;
      rule: string;
      ruleVersion: string;
      title: string;
      /** @enum {string} */
      severity: "info" | "minor" | "major" | "critical";
      /** @enum {string} */
      category: "hardware" | "consumable" | "network" | "power" | "software" | "environment" | "process";
      runbook: string | null;
      /** @enum {string} */
      priority: "P1" | "P2" | "P3" | "P4" | "P5";
      priorityWhy: string;
      onset: number;
      openedAt: number;
      acknowledgedAt: number | null;
      resolvedAt: number | null;
      closedAt: number | null;
      recoveredAt: number | null;
      assignee: string | null;
      acknowledgedBy: string | null;
      holdReason:
        | (
            | "awaiting_vendor"
            | "awaiting_part"
            | "awaiting_site_access"
            | "awaiting_change"
            | "awaiting_caller"
            | "unlisted"
          )
        | null;
      group: string | null;
      tier: number;
      mergedInto: string | null;
      parent: string | null;
      parentWhy: string | null;
      children: number;
      fleet: {
        kind: string | null;
        vendor: string | null;
        model: string | null;
        firmware: string | null;
        sites: number;
        withinMs: number;
      } | null;
      review: {
        since: number;
        times: number;
        withinMs: number;
      } | null;
      due: {
        /** @enum {string} */
        clock: "response" | "restore" | "vendor";
        /** @enum {string} */
        state: "running" | "paused" | "breached";
        dueAt: number | null;
      } | null;
      resolutionCode:
        | (
            | "consumable_replaced"
            | "cleaned"
            | "reseated"
            | "restarted"
            | "reconfigured"
            | "swapped"
            | "rma"
            | "network"
            | "power"
            | "upstream"
            | "user_handling"
            | "self_recovered"
            | "false_positive"
            | "duplicate"
            | "no_fault_found"
            | "rule_changed"
            | "rule_removed"
            | "device_removed"
          )
        | null;
      recurrences: number;
      suppressedBy: string | null;
      stale: boolean;
      flapping: boolean;
      inactiveHours: boolean;
      maintenance: string | null;
      retroactive: boolean;
      updatedAt: number;
      values: {
        [key: string]: number | boolean;
      };
    };
    IncidentDetail: {
      incident: components["schemas"]["Incident"];
      work: components["schemas"]["IncidentWork"];
      clocks: components["schemas"]["SlaClock"][];
      contract: string | null;
      penalty: {
        amount: number;
        currency: string;
      } | null;
      escalation: components["schemas"]["Escalation"] | null;
      contacts: {
        name: string;
        role: string;
        phone: string | null;
        email: string | null;
        reachable: boolean;
      }[];
      absorbed: components["schemas"]["Incident"][];
      parent: components["schemas"]["Incident"] | null;
      children: {
        items: components["schemas"]["Incident"][];
        total: number;
        standing: number;
      };
      events: components["schemas"]["IncidentEvent"][];
      runbook: {
        title: string;
        markdown: string;
      } | null;
      chart: {
        metric: string;
        unit: string;
        component: string | null;
        threshold: number | null;
        from: number;
        to: number;
      } | null;
      asset: {
        vendor?: string;
        model?: string;
        serial?: string;
        firmware?: string;
      };
      suppresses: components["schemas"]["Incident"][];
      earlier: components["schemas"]["Incident"][];
    };
    IncidentEvent: {
      seq: number;
      at: number;
      recordedAt: number;
      actor: string;
      late: boolean;
      type: string;
      text: string;
      detail: {
        [key: string]: unknown;
      };
    };
    IncidentList: {
      items: components["schemas"]["Incident"][];
      cursor: string | null;
      total: number;
    };
    IncidentTold: {
      told: {
        notification: string;
        channel: string;
        target: string | null;
        event: string;
        people: string[];
        why: string | null;
        /** @enum {string} */
        state: "waiting" | "delivered" | "failed";
        createdAt: number;
        doneAt: number | null;
        attempts: number;
        waits: ("quiet_hours" | "limit" | "gathering" | "earlier" | "retry" | "channel_down" | "turn") | null;
        nextAt: number | null;
        within: string | null;
        answer: string | null;
      }[];
      untold: string[];
    };
    IncidentWork: {
      holdText: string | null;
      cancelCode: ("false_positive" | "duplicate" | "test") | null;
      resolvedTier: number | null;
      followUp: string | null;
      escalation: {
        policy: string | null;
        step: number | null;
        at: number;
      } | null;
      vendor: {
        vendor: string;
        ref: string;
      } | null;
      checked: string[];
      ackExpired: {
        at: number;
        by: string | null;
        /** @enum {string} */
        why: "timeout" | "severity" | "scope";
      } | null;
      workedAt: number | null;
      isPriorityPinned: boolean;
      sla: {
        [key: string]: {
          warnedPercent: number;
          breachedAt: number | null;
        };
      };
    };
    MaintenanceWindow: {
      id: string;
      reason: string;
      by: string;
      where: {
        site: string[] | null;
        device: string[] | null;
        kind: string[] | null;
        labels: {
          [key: string]: string[];
        };
      };
      from: number | null;
      to: number | null;
      weekly: {
        /** @enum {string} */
        day: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
        from: string;
        to: string;
      }[];
      timeZone: string | null;
      /** @enum {string} */
      state: "planned" | "running" | "over";
    };
    Me: {
      name: string;
      /** @enum {string} */
      role: "viewer" | "operator" | "admin";
    };
    MetricValue: {
      metric: string;
      component: string | null;
      unit: string;
      meaning: string;
      /** @enum {string} */
      type: "number" | "boolean";
      bad: boolean | null;
      value: number | boolean;
      at: number;
      stale: boolean;
    };
    MissingSpan: {
      site: string;
      agent: string;
      epoch: string;
      /** @enum {string} */
      lane: "live" | "history";
      fromSeq: number;
      toSeq: number;
      at: number;
      /** @enum {string} */
      cause: "never_arrived" | "lost_with_outbox" | "lost_by_restore";
      reason: string;
      explanation: {
        at: number;
        by: string;
        text: string;
      } | null;
    };
    NotificationAttempt: {
      notification: string;
      channel: string;
      incident: string;
      at: number;
      durationMs: number;
      /** @enum {string} */
      outcome: "delivered" | "retry" | "failed";
      status: number | null;
      detail: string;
    };
    NotificationChannel: {
      name: string;
      /** @enum {string} */
      kind: "webhook" | "email";
      target: string;
      waiting: number;
      busy: number;
      deliveredAt: number | null;
      failingSince: number | null;
      oldestAt: number | null;
      isLimited: boolean;
      failure: {
        at: number;
        status: number | null;
        detail: string;
      } | null;
      isDown: boolean;
    };
    NotificationLog: {
      items: components["schemas"]["NotificationAttempt"][];
      next: number | null;
    };
    NotificationPreview: {
      /** @enum {string} */
      kind: "webhook" | "email";
      subject: string | null;
      text: string;
      html: string | null;
    };
    Overview: {
      now: number;
      version: string;
      incidents: {
        [key: string]: number;
      };
      unacknowledged: number;
      sites: number;
      devices: {
        total: number;
        up: number;
        down: number;
        unreachable: number;
        unknown: number;
      };
      agents: {
        total: number;
        online: number;
      };
      rules: {
        version: string;
        count: number;
        refused: string[];
      };
      samplesPerSecond: number;
    };
    PersonTrace: {
      name: string;
      user: {
        role: string;
        createdAt: number;
      } | null;
      records: {
        /** @enum {string} */
        place:
          | "incident"
          | "event"
          | "notification"
          | "attempt"
          | "command"
          | "audit"
          | "gap_note"
          | "token"
          | "maintenance";
        key: string;
        at: number | null;
        record: unknown;
      }[];
      recordCount: number;
      files: string[];
    };
    Problem: {
      error: string;
      message: string;
      hint?: string;
      incident?: components["schemas"]["Incident"];
    };
    IncidentReport: {
      from: number;
      to: number;
      /** @enum {string} */
      by: "none" | "site" | "kind" | "vendor" | "model" | "hour" | "rule" | "slot";
      all: components["schemas"]["Figures"];
      before: components["schemas"]["Figures"] | null;
      groups: {
        key: string | number | null;
        figures: components["schemas"]["Figures"];
      }[];
      groupsLeftOut: number;
      tables: {
        /** @enum {string} */
        by: "site" | "kind" | "vendor" | "model" | "hour" | "rule" | "slot";
        groups: {
          key: string | number | null;
          figures: components["schemas"]["Figures"];
        }[];
        leftOut: number;
      }[];
      course: {
        days: {
          /** Format: date */
          day: string;
          byPriority: {
            [key: string]: number;
          };
        }[];
        weeks: {
          /** Format: date */
          monday: string;
          acknowledge: components["schemas"]["Spread"];
          restore: components["schemas"]["Spread"];
        }[];
      } | null;
      coverage: components["schemas"]["Share"];
      hours: number[];
      remaking: {
        done: number;
      } | null;
    };
    Rule: {
      id: string;
      group: string;
      title: string;
      /** @enum {string} */
      scope: "device" | "component" | "site";
      /** @enum {string} */
      category: "hardware" | "consumable" | "network" | "power" | "software" | "environment" | "process";
      severities: ("info" | "minor" | "major" | "critical")[];
      /** @enum {string} */
      mode: "live" | "shadow";
      runbook: string | null;
      version: string;
      file: string;
      line: number;
      firing: number;
    };
    Series: {
      metric: string;
      unit: string;
      /** @enum {string} */
      type: "number" | "boolean";
      component: string | null;
      points: {
        at: number;
        mean: number;
        min: number;
        max: number;
      }[];
    };
    Share: {
      n: number;
      of: number;
      share: number | null;
    };
    SimilarIncident: {
      incident: string;
      /** @enum {string} */
      by: "slot" | "asset" | "model" | "site" | "category";
      title: string;
      openedAt: number;
      site: string;
      siteName: string;
      slot: string | null;
      rule: string;
      code:
        | (
            | "consumable_replaced"
            | "cleaned"
            | "reseated"
            | "restarted"
            | "reconfigured"
            | "swapped"
            | "rma"
            | "network"
            | "power"
            | "upstream"
            | "user_handling"
            | "self_recovered"
            | "false_positive"
            | "duplicate"
            | "no_fault_found"
            | "rule_changed"
            | "rule_removed"
            | "device_removed"
            | "test"
          )
        | null;
      resolvedBy: string | null;
      isOpen: boolean;
      tookMs: number | null;
    };
    Site: {
      id: string;
      name: string;
      timeZone: string;
      /** @enum {string} */
      format: "store" | "dc";
      contract: string | null;
      region: string | null;
      labels: {
        [key: string]: string;
      };
      open: boolean;
      devices: number;
      up: number;
      down: number;
      unknown: number;
      agents: {
        id: string;
        online: boolean;
        version: string | null;
        lastSeenAt: number;
      }[];
      incidents: {
        [key: string]: number;
      };
    };
    SlaClock: {
      /** @enum {string} */
      clock: "response" | "restore" | "vendor";
      cycle: number;
      /** @enum {string} */
      state: "running" | "paused" | "met" | "breached" | "cancelled";
      standsStill: string | null;
      /** @enum {string} */
      priority: "P1" | "P2" | "P3" | "P4" | "P5";
      withinMs: number;
      calendar: string;
      startedAt: number;
      dueAt: number | null;
      stoppedAt: number | null;
      breachedAt: number | null;
      elapsedMs: number;
      businessMs: number;
      pausedMs: number;
      pausedBusinessMs: number;
      percent: number;
      nextWarning: {
        percent: number;
        at: number | null;
      } | null;
    };
    Spread: {
      n: number;
      meanMs: number | null;
      medianMs: number | null;
      p90Ms: number | null;
    };
    StreamEvent:
      | {
          /** @constant */
          type: "hello";
          now: number;
          version: string;
          resumed: boolean;
        }
      | {
          /** @constant */
          type: "reset";
          /** @enum {string} */
          why: "too_old" | "other_process" | "too_slow";
        }
      | {
          /** @constant */
          type: "beat";
          now: number;
        }
      | {
          /** @constant */
          type: "incident";
          incident: components["schemas"]["Incident"];
        }
      | {
          /** @constant */
          type: "device";
          site: string;
          device: string;
          /** @enum {string} */
          state: "up" | "down" | "unreachable" | "unknown";
          worst: ("info" | "minor" | "major" | "critical") | null;
        }
      | {
          /** @constant */
          type: "values";
          site: string;
          devices: string[];
        }
      | {
          /** @constant */
          type: "agent";
          site: string;
          agent: string;
          online: boolean;
        }
      | {
          /** @constant */
          type: "rules";
          version: string;
          refused: string[];
        }
      | {
          /** @constant */
          type: "notifications";
          incidents: string[] | null;
        };
    ThinnedSpan: {
      site: string;
      agent: string;
      epoch: string;
      /** @enum {string} */
      lane: "live" | "history";
      fromSeq: number;
      toSeq: number;
      at: number;
      fromAt: number;
      toAt: number;
      samples: number;
      reason: string;
    };
    Triage: {
      incident: string;
      classification: {
        /** @enum {string} */
        is:
          | "consumable"
          | "mechanical"
          | "connectivity"
          | "power"
          | "configuration"
          | "software"
          | "environment"
          | "upstream"
          | "user_handling"
          | "unknown";
        why: string;
      };
      /** @enum {string} */
      category: "hardware" | "consumable" | "network" | "power" | "software" | "environment" | "process";
      causes: components["schemas"]["Cause"][];
      recurrence: {
        /** @enum {string} */
        of: "slot" | "asset" | "model" | "site";
        times: number[];
        isMore: boolean;
        lastAt: number | null;
      }[];
      usual: {
        times: number;
        days: number;
        expected: number;
        devices: number;
        exposureDays: number;
        incidents: number;
        /** @enum {string} */
        verdict: "more_often" | "as_usual";
      } | null;
      resolved: {
        /** @enum {string} */
        on: "slot" | "asset" | "model" | "site";
        /** @enum {string} */
        code:
          | "consumable_replaced"
          | "cleaned"
          | "reseated"
          | "restarted"
          | "reconfigured"
          | "swapped"
          | "rma"
          | "network"
          | "power"
          | "upstream"
          | "user_handling"
          | "self_recovered"
          | "false_positive"
          | "duplicate"
          | "no_fault_found"
          | "rule_changed"
          | "rule_removed"
          | "device_removed";
        n: number;
        of: number;
        share: number;
        atLeast: number;
        text: string;
      }[];
      similar: components["schemas"]["SimilarIncident"][];
      hardware: components["schemas"]["Hardware"];
      bring: string[];
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
