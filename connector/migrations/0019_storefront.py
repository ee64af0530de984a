from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0018_privacy")]

    initial = False

    operations = [
        ops.AddField(
            model_name="StoreRow",
            name="storefront",
            field=fields.CharField(null=True, max_length=500),
        ),
    ]
