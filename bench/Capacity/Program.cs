// Prints the tables of docs/scaling.md, "Capacity", as they stand there.
using System.Globalization;
using CometBench.Capacity;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
double[] audiences = [25_000, 250_000, 1_000_000, 25_000_000, 100_000_000];

Console.WriteLine("| assumed | value | from |");
Console.WriteLine("|---|---:|---|");
foreach (var (what, value, unit, from) in Assumptions.All)
{
    Console.WriteLine($"| {what} | {value:#,0.###} {unit} | {from} |".Replace("  |", " |", StringComparison.Ordinal));
}

Console.WriteLine($"""

    Messages are published at random times. Late is from publishing to the write to a browser, without the network and the way through the
    broker. The browsers of a lost server are back within {Assumptions.ReconnectSpread.Value} s, and get what they missed. The figure is that
    of all others.
    """);
Print(Workload.Everybody);
Print(Workload.EachHisOwn);

void Print(Workload work)
{
    Console.WriteLine();
    Console.WriteLine(
        $"| {work.Name}: browsers | cells | servers | of them to spare | nodes of brokers | messages/s in a cell | its broker gives " +
        "| saturates first | late, p50 / p99 | while a server is lost |");
    Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|");
    foreach (var plan in audiences.Select(audience => Plan.For(audience, work)))
    {
        var nodes = plan.HasBroker ? plan.Cells * Assumptions.BrokerNodes : 0;
        var given = plan.HasBroker ? $"{plan.Given:#,0}" : "no broker: memory or SQLite will do";
        var (what, load, most) = plan.SaturatesFirst;
        var lost = plan.HasBroker ? Late(Server.WhileOthersAreLost(plan)) : "all wait for it";
        Console.WriteLine(
            $"| {plan.Audience:#,0} | {plan.Cells:#,0} | {plan.Servers:#,0} | {plan.Cells * plan.Spare:#,0} | {nodes:#,0} | " +
            $"{plan.Rate:#,0} | {given} | {what}: {load:0} % of at most {most} % | {Late(Server.Usual(plan))} | {lost} |");
    }
}

static string Late((double P50, double P99) delay) => $"{delay.P50 * 1000:#,0} / {delay.P99 * 1000:#,0} ms";
