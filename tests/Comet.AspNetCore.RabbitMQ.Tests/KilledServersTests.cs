using System.Collections.Concurrent;
using System.Net.Sockets;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Testing;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>
/// Readers of many feeds on one connection each, at two servers that are killed by turns: they go on at the other one, and get every
/// message that was confirmed once, in order, whatever their format. More seeds:
/// <code>
/// COMET_SEEDS=10 dotnet test --project tests/Comet.AspNetCore.RabbitMQ.Tests --filter-class "*KilledServersTests" --output Detailed
/// </code>
/// </summary>
[Collection(nameof(KilledServersTests))]
[Trait("Category", "Matrix")]
[CollectionDefinition(nameof(KilledServersTests), DisableParallelization = true)] // it takes all processors
public sealed class KilledServersTests(Broker broker)
{
    private const int Feeds = 30;
    private const int FeedsOfReader = 20;
    private const int Readers = 50;
    private const int Kills = 3;
    private const int Last = int.MaxValue;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _family = Server.NewName();
    private readonly ConcurrentDictionary<(string Feed, long Offset), int> _confirmed = new();
    private readonly ConcurrentDictionary<(string Feed, int Number), byte> _unknown = new();

    public static TheoryData<int> Seeds =>
        [.. Enumerable.Range(1, int.TryParse(Environment.GetEnvironmentVariable("COMET_SEEDS"), out var seeds) ? seeds : 1)];

    [Theory, MemberData(nameof(Seeds))]
    public async Task Nothing_is_lost_or_doubled(int seed)
    {
        var random = new Random(seed);
        using var deadline = new CancellationTokenSource(Patience);
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var servers = await Task.WhenAll(StartAsync(), StartAsync());
        try
        {
            var feeds = Enumerable.Range(0, Feeds).Select(i => $"{_family}/{i}").ToList();
            var readers = Enumerable.Range(0, Readers).Select(i =>
                new SeveralFeedsReader(client, AnyServer, (CometFormat)(i % 3), new Random((seed * 1000) + i))).ToList();
            var reading = readers.ConvertAll(reader => reader.RunAsync(feeds, FeedsOfReader, Last, deadline.Token));
            using var over = new CancellationTokenSource();
            var publishing = feeds.ConvertAll(feed => PublishAsync(client, feed, AnyServer, over.Token));

            for (var kill = 0; kill < Kills; kill++)
            {
                await ConfirmAsync(random.Next(50, 300), deadline.Token);
                var killed = (seed + kill) % 2;
                await servers[killed].DisposeAsync();
                await ConfirmAsync(random.Next(50, 300), deadline.Token);
                servers[killed] = await StartAsync();
            }
            await over.CancelAsync();
            await Task.WhenAll(publishing);
            foreach (var feed in feeds)
            {
                await Eventually.HoldsAsync(() => TryPublishAsync(client, AnyServer(), feed, Last), "the last message is confirmed");
            }
            await foreach (var one in Task.WhenEach(reading))
            {
                await one; // the first that fails, as others may wait for what is lost for ever
            }

            Check(readers, $"seed {seed}");
        }
        finally
        {
            foreach (var server in servers)
            {
                await server.DisposeAsync();
            }
        }

        Uri AnyServer() => servers[Random.Shared.Next(2)].Url;

        Task<KillableServer> StartAsync() => KillableServer.StartAsync(broker.ConnectionString, _family);
    }

    private void Check(List<SeveralFeedsReader> readers, string run)
    {
        var (received, strange) = (0, 0);
        var lost = new List<(string Feed, long Offset, int Number)>();
        foreach (var (feed, messages) in readers.SelectMany(static reader => reader.Received))
        {
            var byOffset = messages.ToDictionary(); // the reader has seen them rise
            received += messages.Count;
            lost.AddRange(_confirmed
                .Where(sent => sent.Key.Feed == feed && byOffset.GetValueOrDefault(sent.Key.Offset, -1) != sent.Value)
                .Select(static sent => (sent.Key.Feed, sent.Key.Offset, sent.Value)));
            strange += messages.Count(message =>
                !_confirmed.ContainsKey((feed, message.Key)) && !_unknown.ContainsKey((feed, message.Value)));
            strange += messages.Count - messages.DistinctBy(static message => message.Value).Count();
        }
        var what = $"{run}: {_confirmed.Count} confirmed, {_unknown.Count} unknown, {readers.Sum(static reader => reader.Cuts)} cuts, " +
            $"{received} messages read, {lost.Count} lost, {strange} doubled or not sent";
        TestContext.Current.TestOutputHelper?.WriteLine(what);
        var which = lost.GroupBy(static message => message).Take(20)
            .Select(readers => $"\n{readers.Key.Feed} {readers.Key.Number} at {readers.Key.Offset}: by {readers.Count()} readers");
        Assert.True((lost.Count, strange) == (0, 0), what + string.Concat(which));
        Assert.All(readers, static reader => Assert.InRange(reader.Received.Count, FeedsOfReader, Feeds));
    }

    // Waits for so many more messages to be confirmed.
    private async Task ConfirmAsync(int messages, CancellationToken cancellationToken)
    {
        for (var expected = _confirmed.Count + messages; _confirmed.Count < expected;)
        {
            await Task.Delay(5, cancellationToken);
        }
    }

    private async Task PublishAsync(HttpClient client, string feed, Func<Uri> findServer, CancellationToken cancellationToken)
    {
        for (var number = 0; !cancellationToken.IsCancellationRequested; number++)
        {
            if (!await TryPublishAsync(client, findServer(), feed, number))
            {
                _unknown.TryAdd((feed, number), 0);
            }
            await Task.Delay(10, CancellationToken.None);
        }
    }

    // False: the server was killed before it answered, so nobody knows.
    private async Task<bool> TryPublishAsync(HttpClient client, Uri server, string feed, int number)
    {
        try
        {
            using var answer = await client.PostAsync(
                new Uri(server, $"{feed[(feed.IndexOf('/', StringComparison.Ordinal) + 1)..]}/{number}"),
                content: null,
                CancellationToken.None);
            answer.EnsureSuccessStatusCode();
            var offset = long.Parse(await answer.Content.ReadAsStringAsync(CancellationToken.None));
            Assert.True(_confirmed.TryAdd((feed, offset), number), "Two messages got the same position.");
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or SocketException or IOException)
        {
            return false;
        }
    }
}
