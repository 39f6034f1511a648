using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>
/// Readers of many feeds on one connection each, which is cut anywhere: every one gets every message of its feeds once and in order, in all
/// formats, with sets of feeds that change, and by the one id that native <c>EventSource</c> sends back.
/// </summary>
public class SeveralFeedsCutTests
{
    private const int Feeds = 30;
    private const int FeedsOfReader = 20;
    private const int Readers = 50;
    private const int Messages = 60; // of each feed

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 8)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(6, 8)]
    [InlineData(7, 1)]
    [InlineData(8, 2)]
    [InlineData(9, 8)]
    [InlineData(10, 2)]
    public async Task Nothing_is_lost_or_doubled(int seed, int lanes)
    {
        await using var app = await StartAsync(lanes);
        using var deadline = new Deadline();
        var readers = Enumerable.Range(0, Readers).Select(i => new Reader(app, new Random((seed * 1000) + i), (CometFormat)(i % 3))).ToList();
        var reading = readers.ConvertAll(reader => reader.RunAsync(deadline.Token));
        await Eventually.HoldsAsync(() => app.OpenStreams == Readers, "all are connected");

        await PublishAsync(app, new Random(seed));

        await foreach (var one in Task.WhenEach(reading))
        {
            await one; // the first that fails, as others may wait for what is lost for ever
        }
        Assert.True(readers.Sum(static reader => reader.Cuts) > Readers, "Hardly anything was cut.");
    }

    private static async Task PublishAsync(TestApp app, Random random)
    {
        var feeds = app.Services.GetRequiredService<KeyedFeeds<int>>();
        var next = new int[Feeds];
        while (true)
        {
            var open = Enumerable.Range(0, Feeds).Where(i => next[i] < Messages).ToList();
            if (open.Count == 0)
            {
                return;
            }
            for (var burst = random.Next(1, 20); burst > 0; burst--)
            {
                var feed = open[random.Next(open.Count)];
                if (next[feed] < Messages)
                {
                    await feeds.Get($"{feed}").PublishAsync(next[feed]++);
                }
            }
            await Task.Delay(random.Next(0, 3), TestContext.Current.CancellationToken);
        }
    }

    private static Task<TestApp> StartAsync(int lanes) => TestApp.StartAsync(
        static app =>
        {
            var feeds = app.Services.GetRequiredService<KeyedFeeds<int>>();
            app.MapMethods("/", ["GET", "POST"], () => CometResults.Feeds([feeds.Where(static _ => true)], "parent.f"));
        },
        builder =>
        {
            builder.Services.AddKeyedFeeds<int>("n");
            builder.Services.AddSingleton(provider => new Lanes(provider.GetRequiredService<ConnectionServices>(), lanes));
        });

    private sealed class Reader(TestApp app, Random random, CometFormat format)
    {
        private readonly Dictionary<string, string> _positions = [];
        private readonly Dictionary<string, int> _next = [];
        private List<string> _feeds = [];
        private string? _lastEventId;

        internal int Cuts { get; private set; }

        internal async Task RunAsync(CancellationToken cancellationToken)
        {
            _feeds = Choose();
            // All feeds that it ever read have to come to their last message; a set that changes comes to all of them in the end.
            while (_feeds.Any(feed => _next.GetValueOrDefault(feed) < Messages))
            {
                await ReadAsync(random.Next(1, 200), cancellationToken);
                Cuts++;
                if (format != CometFormat.ServerSentEvents && random.Next(2) == 0)
                {
                    _feeds = [.. _feeds.Where(feed => _next.GetValueOrDefault(feed) < Messages).Union(Choose()).Take(FeedsOfReader)];
                }
            }
        }

        private List<string> Choose() =>
            [.. Enumerable.Range(0, Feeds).OrderBy(_ => random.Next()).Take(FeedsOfReader).Select(static i => $"n/{i}")];

        // Reads so many messages, and leaves in the middle of what follows.
        private async Task ReadAsync(int count, CancellationToken cancellationToken)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/");
            request.Headers.Add("Accept", format switch
            {
                CometFormat.ServerSentEvents => "text/event-stream",
                CometFormat.Ndjson => "application/x-ndjson",
                _ => "text/html",
            });
            // EventSource comes back to the same address, so there it is what it was at first.
            var position = (string feed) =>
                (format == CometFormat.ServerSentEvents ? "earliest" : _positions.GetValueOrDefault(feed, "earliest")) + "@";
            request.Content = new FormUrlEncodedContent(_feeds.Select(feed => KeyValuePair.Create("feed", position(feed) + feed)));
            if (_lastEventId is not null)
            {
                request.Headers.Add("Last-Event-ID", _lastEventId);
            }
            using var response = await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            response.EnsureSuccessStatusCode();
            await foreach (var message in CometReader.ReadAsync(response, cancellationToken))
            {
                _lastEventId = message.LastEventId ?? _lastEventId;
                if (message.Recovered == false || message.Kind is CometMessageKind.Skipped or CometMessageKind.End)
                {
                    Assert.Fail($"{format}: {message}");
                }
                if (message.Feed is { } feed && message.Id is { } id)
                {
                    _positions[feed] = id;
                }
                if (message.Kind != CometMessageKind.Message)
                {
                    continue;
                }
                var (expected, number) = (_next.GetValueOrDefault(message.Feed!), message.Value.GetInt32());
                Assert.True(number == expected, $"{format} {message.Feed}: {number} instead of {expected}");
                _next[message.Feed!] = number + 1;
                if (--count <= 0 || _feeds.TrueForAll(each => _next.GetValueOrDefault(each) >= Messages))
                {
                    return;
                }
            }
        }
    }
}
