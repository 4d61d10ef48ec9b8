"""The first tables, and the settings' only row."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "8792acfa6c7d"
down_revision = None
branch_labels = None
depends_on = None
kind = "contract"


def upgrade() -> None:
    op.create_table(
        "served_versions",
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_served_versions")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("customer_reference", sa.Text(), nullable=True),
        sa.Column("scope", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("warehouses", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("id", name=op.f("uq_access_tokens_id")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_access_tokens_previous_hash")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("customer_reference", sa.Text(), nullable=True),
        sa.Column("warehouses", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("openid_issuer", sa.Text(), nullable=True),
        sa.Column("openid_subject", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_accounts_login")),
        sa.UniqueConstraint("openid_issuer", "openid_subject", name=op.f("uq_accounts_openid_issuer_openid_subject")),
    )
    op.create_index(op.f("ix_accounts_role_login"), "accounts", ["role", "login"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id_accounts")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_sessions_id")),
    )
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"], unique=False)
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "known_devices",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_known_devices_account_id_accounts")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_known_devices")),
    )
    op.create_index(op.f("ix_known_devices_account_id"), "known_devices", ["account_id"], unique=False)
    op.create_index(op.f("ix_known_devices_expires_at"), "known_devices", ["expires_at"], unique=False)
    op.create_table(
        "allocations",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("shipment", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "shipment", "line", name=op.f("pk_allocations")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_role", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decider", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(
        "uq_approvals_waiting",
        "approvals",
        ["act", "subject"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("address_digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_actor_id"), "audit_events", ["actor", "id"], unique=False)
    op.create_index(op.f("ix_audit_events_principal_id"), "audit_events", ["principal", "id"], unique=False)
    op.create_index(op.f("ix_audit_events_action_id"), "audit_events", ["action", "id"], unique=False)
    op.create_index(op.f("ix_audit_events_subject_id"), "audit_events", ["subject", "id"], unique=False)
    op.create_index(op.f("ix_audit_events_transaction_id"), "audit_events", ["transaction", "id"], unique=False)
    op.create_table(
        "audit_addresses",
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_addresses")),
    )
    op.create_index(op.f("ix_audit_addresses_at"), "audit_addresses", ["at"], unique=False)
    op.create_index(op.f("ix_audit_addresses_principal"), "audit_addresses", ["principal"], unique=False)
    op.create_table(
        "audit_chain",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_chain_audit_id")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("reference", name=op.f("uq_customers_reference")),
    )
    op.create_table(
        "figures",
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measure", "slot", "key", name=op.f("pk_figures")),
    )
    op.create_table(
        "figures_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_figures_progress_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures_progress")),
    )
    op.create_table(
        "fraud_events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_fraud_events")),
    )
    op.create_table(
        "fraud_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_fraud_settings_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_settings")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "operations_samples",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queues", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_operations_samples")),
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("order_id", "seq", name=op.f("pk_order_events")),
    )
    op.create_index(op.f("ix_order_events_transaction"), "order_events", ["transaction"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("unavailable", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_order_lines")),
    )
    op.create_index(op.f("ix_order_lines_sku_order_id"), "order_lines", ["sku", "order_id"], unique=False)
    op.create_table(
        "order_notes",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_role", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_order_notes")),
    )
    op.create_table(
        "order_references",
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("owner", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("reference", "owner", name=op.f("pk_order_references")),
    )
    op.create_table(
        "order_terms",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.Column("field", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "term", "field", name=op.f("pk_order_terms")),
    )
    op.create_index(op.f("ix_order_terms_term_order_id"), "order_terms", ["term", "order_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("customer_reference", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("shipping_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("action_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("own_reference", sa.Text(collation="C"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_orders_closed_at"),
        "orders",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_orders_customer_reference_id"), "orders", ["customer_reference", "id"], unique=False)
    op.create_index(
        "ix_orders_placed_by_customers",
        "orders",
        ["customer_reference"],
        unique=False,
        postgresql_where=sa.text("own_reference IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_index(op.f("ix_orders_status_id"), "orders", ["status", "id"], unique=False)
    op.create_table(
        "products",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tax_bps", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_products")),
    )
    op.create_table(
        "product_pictures",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_product_pictures")),
    )
    op.create_index(op.f("ix_product_pictures_digest"), "product_pictures", ["digest"], unique=False)
    op.create_table(
        "product_terms",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("sku", "term", name=op.f("pk_product_terms")),
    )
    op.create_index(op.f("ix_product_terms_term_sku"), "product_terms", ["term", "sku"], unique=False)
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(op.f("ix_products_currency"), "products", ["currency"], unique=False)
    op.create_index(
        "ix_products_name_parts",
        "products",
        [sa.text("lower(name) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_products_name_start", "products", [sa.text('"left"(lower(name), 2)'), "sku"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("warehouse_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booking_open", sa.Boolean(), nullable=False),
        sa.Column("courier_code", sa.Text(), nullable=True),
        sa.Column("courier_name", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("payment_reason", sa.Text(), nullable=True),
        sa.Column("spending_period", sa.Integer(), nullable=True),
        sa.Column("charged_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=True),
        sa.Column("discount_minor", sa.BigInteger(), nullable=True),
        sa.Column("tax_minor", sa.BigInteger(), nullable=True),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor <= charged_minor", name=op.f("ck_shipments_refunds")
        ),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_shipments")),
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(
        op.f("ix_shipments_status_order_id_number"), "shipments", ["status", "order_id", "number"], unique=False
    )
    op.create_index(
        op.f("ix_shipments_warehouse_code_order_id_number"),
        "shipments",
        ["warehouse_code", "order_id", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_shipments_status_warehouse_code"),
        "shipments",
        ["status", "warehouse_code"],
        unique=False,
        postgresql_where=sa.text("status IN ('BOOKED', 'DISPATCHED')"),
    )
    op.create_index(
        op.f("ix_shipments_delivered_at_warehouse_code"),
        "shipments",
        ["delivered_at", "warehouse_code"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_shipments_tracking_number"),
        "shipments",
        ["tracking_number"],
        unique=False,
        postgresql_where=sa.text("tracking_number IS NOT NULL"),
    )
    op.create_table(
        "shop_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("amendment_timeout_s", sa.Integer(), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.Text(), nullable=True),
        sa.Column("logo_digest", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_shop_settings_single_row")),
        sa.CheckConstraint(
            "num_nulls(logo, logo_type, logo_digest) IN (0, 3)", name=op.f("ck_shop_settings_whole_logo")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_settings")),
    )
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("warehouse_code", sa.Text(collation="C"), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("0 <= allocated AND allocated <= on_hand", name=op.f("ck_stock_never_oversold")),
        sa.PrimaryKeyConstraint("sku", "warehouse_code", name=op.f("pk_stock")),
    )
    op.create_table(
        "tallies",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent_minor >= 0", name=op.f("ck_tallies_never_negative")),
        sa.PrimaryKeyConstraint("customer_id", "currency", name=op.f("pk_tallies")),
    )
    op.create_table(
        "warehouses",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_warehouses")),
    )
    op.create_table(
        "work",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("suspect", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", "part", "queue", name=op.f("pk_work")),
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(
        "ix_work_due",
        "work",
        ["queue", "due_at"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL AND NOT held"),
    )
    op.create_index("ix_work_held", "work", ["queue"], unique=False, postgresql_where=sa.text("held"))
    op.create_index(
        "ix_work_parked", "work", ["parked_at"], unique=False, postgresql_where=sa.text("parked_at IS NOT NULL")
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queues", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("listening", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.execute(
        "INSERT INTO fraud_settings (id, limits, maintenance, period, last_seq, updated_at)"
        " VALUES (1, '{}', false, 1, 0, clock_timestamp())"
    )


def downgrade() -> None:
    op.drop_table("workers")
    op.drop_index("ix_work_parked", table_name="work", postgresql_where=sa.text("parked_at IS NOT NULL"))
    op.drop_index("ix_work_held", table_name="work", postgresql_where=sa.text("held"))
    op.drop_index("ix_work_due", table_name="work", postgresql_where=sa.text("parked_at IS NULL AND NOT held"))
    op.drop_table("work")
    op.drop_table("warehouses")
    op.drop_table("tallies")
    op.drop_table("stock")
    op.drop_table("shop_settings")
    op.drop_index(
        op.f("ix_shipments_tracking_number"),
        table_name="shipments",
        postgresql_where=sa.text("tracking_number IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_shipments_delivered_at_warehouse_code"),
        table_name="shipments",
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_shipments_status_warehouse_code"),
        table_name="shipments",
        postgresql_where=sa.text("status IN ('BOOKED', 'DISPATCHED')"),
    )
    op.drop_index(op.f("ix_shipments_warehouse_code_order_id_number"), table_name="shipments")
    op.drop_index(op.f("ix_shipments_status_order_id_number"), table_name="shipments")
    op.drop_table("shipments")
    op.drop_index(op.f("ix_products_currency"), table_name="products")
    op.drop_table("products")
    op.drop_index(op.f("ix_product_pictures_digest"), table_name="product_pictures")
    op.drop_table("product_pictures")
    op.drop_index(op.f("ix_product_terms_term_sku"), table_name="product_terms")
    op.drop_table("product_terms")
    op.drop_index(op.f("ix_order_terms_term_order_id"), table_name="order_terms")
    op.drop_table("order_terms")
    op.drop_index(op.f("ix_orders_status_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_customer_reference_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_closed_at"), table_name="orders", postgresql_where=sa.text("closed_at IS NOT NULL"))
    op.drop_table("orders")
    op.drop_table("order_references")
    op.drop_table("order_notes")
    op.drop_index(op.f("ix_order_lines_sku_order_id"), table_name="order_lines")
    op.drop_table("order_lines")
    op.drop_index(op.f("ix_order_events_transaction"), table_name="order_events")
    op.drop_table("order_events")
    op.drop_table("operations_samples")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("fraud_settings")
    op.drop_table("fraud_events")
    op.drop_table("figures_progress")
    op.drop_table("figures")
    op.drop_table("customers")
    op.drop_table("audit_chain")
    op.drop_index(op.f("ix_audit_addresses_principal"), table_name="audit_addresses")
    op.drop_index(op.f("ix_audit_addresses_at"), table_name="audit_addresses")
    op.drop_table("audit_addresses")
    op.drop_index(op.f("ix_audit_events_transaction_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_subject_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_action_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_principal_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_actor_id"), table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_table("approvals")
    op.drop_table("allocations")
    op.drop_index(op.f("ix_known_devices_expires_at"), table_name="known_devices")
    op.drop_index(op.f("ix_known_devices_account_id"), table_name="known_devices")
    op.drop_table("known_devices")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_account_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_accounts_role_login"), table_name="accounts")
    op.drop_table("accounts")
    op.drop_table("access_tokens")
    op.drop_table("served_versions")
