using System.Net.Sockets;
using Comet.AspNetCore.Testing;

namespace Comet.TestUtilities;

/// <summary>
/// One client of a stream of many feeds. It reads a while, leaves in the middle of what follows, and comes back as clients of its format
/// do: with the position of each feed, and often with another set of feeds; or, as native <c>EventSource</c>, to the same address with the
/// last id alone. It fails when anything comes twice or out of order, or when it is told that something is missing.
/// </summary>
/// <param name="client">Sends its requests.</param>
/// <param name="findServer">Where the next one goes.</param>
/// <param name="format">The format.</param>
/// <param name="random">When it leaves, and which feeds it reads.</param>
public sealed class SeveralFeedsReader(HttpClient client, Func<Uri> findServer, CometFormat format, Random random)
{
    private readonly Dictionary<string, string> _positions = [];
    private readonly Dictionary<string, List<KeyValuePair<long, int>>> _received = [];
    private List<string> _feeds = [];
    private string? _lastEventId;

    /// <summary>What came of each feed: offsets and numbers, in the order in which they came.</summary>
    public IReadOnlyDictionary<string, List<KeyValuePair<long, int>>> Received => _received;

    /// <summary>How often it left, or was cut off.</summary>
    public int Cuts { get; private set; }

    /// <summary>Reads until each feed that it ever read has come to its last number.</summary>
    /// <param name="all">The feeds that it reads some of.</param>
    /// <param name="atOnce">How many of them at a time.</param>
    /// <param name="last">The last number of each.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(IReadOnlyList<string> all, int atOnce, int last, CancellationToken cancellationToken)
    {
        _feeds = Choose();
        while (_feeds.Concat(_positions.Keys).Any(IsOpen))
        {
            try
            {
                await ReadAsync(random.Next(1, 200), IsOpen, cancellationToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or SocketException or IOException or FormatException)
            {
                await Task.Delay(20, cancellationToken); // its server is gone
            }
            Cuts++;
            if (format != CometFormat.ServerSentEvents && (random.Next(2) == 0 || !_feeds.Exists(IsOpen)))
            {
                // What it has begun to read it reads to its end, now or later.
                _feeds = [.. _positions.Keys.Where(IsOpen).OrderBy(_ => random.Next()).Take(atOnce - 2).Union(Choose()).Take(atOnce)];
            }
        }

        List<string> Choose() => [.. all.OrderBy(_ => random.Next()).Take(atOnce)];

        bool IsOpen(string feed) => _received.GetValueOrDefault(feed) is not [.., { Value: var number }] || number != last;
    }

    private async Task ReadAsync(int count, Predicate<string> isOpen, CancellationToken cancellationToken)
    {
        using var request = NewRequest();
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        await foreach (var message in CometReader.ReadAsync(response, cancellationToken))
        {
            _lastEventId = message.LastEventId ?? _lastEventId;
            if (message.Recovered == false ||
                message.Kind == CometMessageKind.Skipped ||
                message is { Kind: CometMessageKind.End, Retry: null })
            {
                Assert.Fail($"{format}: {message}");
            }
            if (message is { Kind: CometMessageKind.Message, Feed: { } name })
            {
                Add(name, OffsetOf(message), message.Value.GetInt32());
                count--;
            }
            if (message is { Feed: { } feed, Id: { } id })
            {
                _positions[feed] = id;
            }
            if (count == 0 || !_feeds.Exists(isOpen))
            {
                return;
            }
        }
    }

    // EventSource comes back to the same address, so there it is what it was at first.
    private HttpRequestMessage NewRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, findServer())
        {
            Content = new FormUrlEncodedContent(_feeds.Select(feed => KeyValuePair.Create(
                "feed",
                $"{(format == CometFormat.ServerSentEvents ? "earliest" : _positions.GetValueOrDefault(feed, "earliest"))}@{feed}"))),
        };
        request.Headers.Add("Accept", MediaTypes.Of(format));
        if (_lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", _lastEventId);
        }
        return request;
    }

    private void Add(string feed, long offset, int number)
    {
        if (!_received.TryGetValue(feed, out var received))
        {
            _received.Add(feed, received = []);
        }
        Assert.True(
            received is not [.., { Key: var before }] || before < offset,
            $"{format} {feed}: {number} at {offset} after {(received is [.., var at] ? at : default)}");
        received.Add(KeyValuePair.Create(offset, number));
    }

    // Of a position in several feeds, the own offset is the last.
    private static long OffsetOf(CometMessage message) => long.Parse((message.Id ?? message.LastEventId)!.Split('-')[^1]);
}
