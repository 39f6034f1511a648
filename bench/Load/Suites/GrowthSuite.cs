using System.Globalization;
using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>
/// The library by itself: how its cost grows with the size of messages, the number of feeds, publishing threads and connections, and with
/// what lies between it and the client. The variants of a question take turns, so that a noisy minute of the machine falls on all of them.
/// </summary>
internal sealed class GrowthSuite(Settings settings)
{
    private const int Rooms = 1000;
    private const int PerRoom = 5;
    private const int BurstMessages = 200_000;

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private readonly Progress _progress = new(settings.Runs * (4 + 2 + 3 + 5 + 2));
    private readonly List<Finding> _findings = [];

    internal async Task<List<Finding>> RunAsync()
    {
        await SizesAsync();
        await FeedsAsync();
        await ThreadsAsync();
        await RoutesAsync();
        await HeldAsync();
        return _findings;
    }

    private async Task SizesAsync()
    {
        int[] sizes = [100, 1_000, 10_000, 100_000];
        var figures = await TakeTurnsAsync([.. sizes.Select(size => new Variant($"{size:#,0} B", ServerKind.Comet, settings.Saturate) { Size = size })]);
        var cpu = figures.Select(f => f.CpuPerDelivery).ToArray();
        Add(
            "Message of 100 B, 1 KB, 10 KB, 100 KB: CPU per delivery",
            $"{Join(cpu, "0.0", " / ")} us",
            "a thousand times the bytes, far less than a thousand times the cost",
            cpu[3] < 100 * cpu[0],
            figures);
    }

    // As many messages and deliveries a second either way.
    private async Task FeedsAsync()
    {
        var figures = await TakeTurnsAsync(
            new Variant("one feed", ServerKind.Comet, PerRoom) { Rate = Rooms },
            new Variant($"{Rooms:#,0} feeds", ServerKind.Comet with { Rooms = Rooms }, Rooms * PerRoom) { Rate = Rooms });
        Add(
            $"One feed against {Rooms.ToString("#,0", Invariant)}, {Rooms} messages/s to {PerRoom} connections each: CPU per delivery",
            $"{Join(figures.Select(f => f.CpuPerDelivery), "0.0", " / ")} us",
            "the same, but for the caches that more connections need",
            figures[1].CpuPerDelivery < 1.5 * figures[0].CpuPerDelivery,
            figures);
    }

    private async Task ThreadsAsync()
    {
        int[] threads = [1, 2, 8];
        var accepted = threads.ToDictionary(count => count, _ => new List<double>());
        var figures = await TakeTurnsAsync([.. threads.Select(count => new Variant($"{count} publishing threads", ServerKind.Comet with { Feed = "/burst" }, 10)
        {
            Load = server => new Burst(server.Address, count, BurstMessages, settings.Size),
            After = load => accepted[count].Add(((Burst)load).Accepted),
        })]);
        var rates = threads.Select(count => accepted[count].Order().ElementAt(accepted[count].Count / 2)).ToArray();
        Add(
            $"Publishing from 1, 2 and 8 threads, {BurstMessages.ToString("#,0", Invariant)} messages in a burst: accepted per second",
            Join(rates, "#,0", " / "),
            "no collapse: eight threads get through at least half of what one does",
            rates[2] > rates[0] / 2,
            figures);
    }

    private async Task RoutesAsync()
    {
        var n = 1000;
        var variants = new List<Variant>
        {
            new("plain HTTP/1.1", ServerKind.Comet, n),
            new("through Response.Body", ServerKind.Comet with { Arguments = ["--Comet:DirectTransport", "false"] }, n),
            new("TLS, HTTP/1.1", ServerKind.Comet with { Route = Route.Tls }, n),
            new("TLS, HTTP/2", ServerKind.Comet with { Route = Route.Http2 }, n),
        };
        if (NginxProxy.IsInstalled)
        {
            variants.Add(new Variant("behind nginx", ServerKind.Comet with { Route = Route.Nginx }, n));
        }
        var figures = await TakeTurnsAsync([.. variants]);
        var plain = figures[0];
        Line(1, "one and a half times at most", 1.5);
        Line(2, "encryption of each write on top", 4);
        Line(3, "encryption and framing on top", 6);
        if (NginxProxy.IsInstalled)
        {
            Line(4, "the same for the server; nginx and its client take their time on the same cores", 1.5);
        }
        else
        {
            Console.Error.WriteLine("nginx is not installed: not measured.");
        }

        void Line(int i, string should, double most) => Add(
            $"{Capital(variants[i].Name)}, N = {n.ToString("#,0", Invariant)}: CPU per delivery, p50 / p99",
            string.Create(Invariant, $"{figures[i].CpuPerDelivery:0.0} us, {figures[i].P50:0.0} / {figures[i].P99:0.0} ms (plain: {plain.CpuPerDelivery:0.0} us, {plain.P50:0.0} / {plain.P99:0.0} ms)"),
            should,
            figures[i].CpuPerDelivery < most * plain.CpuPerDelivery,
            [plain, figures[i]]);
    }

    private async Task HeldAsync()
    {
        var held = DescriptorLimit.Cap(settings.Held);
        var few = held / 4;
        var watch = TimeSpan.FromSeconds(30);
        List<Figures>[] runs = [[], []];
        for (var run = 0; run < settings.Runs; run++)
        {
            await using var session = await Session.StartAsync(ServerKind.Comet, settings);
            foreach (var (n, figures) in new[] { few, held }.Zip(runs))
            {
                figures.Add(await session.IdleAsync(n, watch));
                _progress.Report(string.Create(Invariant, $"{n:#,0} held: {figures[^1].BytesPerConnection:#,0} bytes each, {figures[^1].IdleCores:0.000} cores"));
            }
        }
        var (small, large) = (Figures.Median(runs[0]), Figures.Median(runs[1]));
        var (at, heartbeat) = ($"{few.ToString("#,0", Invariant)} and {held.ToString("#,0", Invariant)}", (large.IdleCores - small.IdleCores) * 15e6 / (held - few));
        Add(
            $"{at} connections held: memory of each",
            string.Create(Invariant, $"{small.BytesPerConnection:#,0} / {large.BytesPerConnection:#,0} bytes"),
            "the same",
            large.BytesPerConnection < 1.1 * small.BytesPerConnection,
            []);
        Add(
            $"{at} connections held: CPU while nothing is published, a heartbeat every 15 s",
            string.Create(Invariant, $"{small.IdleCores:0.000} / {large.IdleCores:0.000} cores ({heartbeat:0.0} us for each further heartbeat)"),
            "in proportion to the connections",
            large.IdleCores < 1.5 * held / few * small.IdleCores,
            []);
    }

    private async Task<Figures[]> TakeTurnsAsync(params Variant[] variants)
    {
        var runs = variants.Select(_ => new List<Figures>()).ToArray();
        for (var run = 0; run < settings.Runs; run++)
        {
            foreach (var (variant, figures) in variants.Zip(runs))
            {
                await using var session = await Session.StartAsync(variant.Kind, settings with { Size = variant.Size ?? settings.Size });
                var load = variant.Load?.Invoke(session.Server) ?? new PacedLoad(variant.Rate ?? settings.Rate, settings.Duration);
                figures.Add(await session.RunAsync(variant.Connections, load));
                variant.After?.Invoke(load);
                _progress.Report($"{variant.Name,-24} {new Measurement(variant.Kind, StageKind.Steady, variant.Connections, figures[^1]).Line}");
            }
        }
        return [.. runs.Select(Figures.Median)];
    }

    private void Add(string what, string figures, string should, bool does, IEnumerable<Figures> flaws)
    {
        var lost = flaws.FirstOrDefault(f => !f.IsFlawless);
        _findings.Add(new Finding(what, lost is null ? figures : $"{figures}; {lost.Flaws}", should, does && lost is null));
    }

    private static string Join(IEnumerable<double> values, string format, string separator) =>
        string.Join(separator, values.Select(value => value.ToString(format, Invariant)));

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private sealed record Variant(string Name, ServerKind Kind, int Connections)
    {
        internal int? Size { get; init; }

        internal double? Rate { get; init; }

        /// <summary>Null: the steady rate.</summary>
        internal Func<ServerProcess, LoadShape>? Load { get; init; }

        internal Action<LoadShape>? After { get; init; }
    }
}
