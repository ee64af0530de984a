from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0003_work")]

    initial = False

    operations = [
        ops.RunSQL(
            # of places that are held: what a limited reward's stock is counted by
            "CREATE INDEX redemption_held ON redemption (store, reward_id)"
            " WHERE state <> 'returned'"
        ),
    ]
