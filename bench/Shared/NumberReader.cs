using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace CometBench;

/// <summary>A client that reads a feed of numbers as lines, comes back when it was cut off, and keeps the books.</summary>
internal sealed class NumberReader(HttpClient client, Uri url)
{
    private static ReadOnlySpan<byte> MessageStart => "{\"type\":\"message\",\"id\":\""u8;

    private readonly List<long> _numbers = [];
    private readonly List<long> _offsets = [];
    private string _lastId = "earliest";
    private string? _epoch;
    private long _lastAt;

    /// <summary>What came, in the order in which it came.</summary>
    internal IReadOnlyList<long> Numbers => _numbers;

    /// <summary>Their offsets.</summary>
    internal IReadOnlyList<long> Offsets => _offsets;

    /// <summary>The offset of the last message.</summary>
    internal long Offset { get; private set; }

    /// <summary>Messages that did not come after the one before in the same log.</summary>
    internal int OutOfOrder { get; private set; }

    /// <summary>How often the server said that it could not go on where the reader had been.</summary>
    internal int NotRecovered { get; private set; }

    internal int Connections { get; private set; }

    internal TimeSpan LongestGap { get; private set; }

    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                // The server was killed, or is not there yet.
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, "/sub"));
        request.Headers.Add("Accept", "application/x-ndjson");
        request.Headers.Add("Last-Event-ID", _lastId);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        Connections++;
        var body = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                var line = rest.Slice(0, end);
                Take(line.IsSingleSegment ? line.FirstSpan : line.ToArray());
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            body.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith(MessageStart))
        {
            using var control = JsonDocument.Parse(Encoding.UTF8.GetString(line));
            if (control.RootElement.TryGetProperty("recovered", out var recovered) && !recovered.GetBoolean())
            {
                NotRecovered++;
            }
            return;
        }
        line = line[MessageStart.Length..];
        var id = line[..line.IndexOf((byte)'"')];
        var dash = id.IndexOf((byte)'-');
        if (!Utf8Parser.TryParse(id[(dash + 1)..], out long offset, out _) ||
            !Utf8Parser.TryParse(line[(line.IndexOf(",\"data\":\""u8) + 9)..], out long number, out _))
        {
            throw new InvalidDataException($"This is no message: {Encoding.UTF8.GetString(line)}");
        }
        _lastId = Encoding.ASCII.GetString(id);
        _epoch ??= _lastId[..dash];
        if (offset <= Offset || !_lastId.StartsWith(_epoch, StringComparison.Ordinal))
        {
            OutOfOrder++;
        }
        Offset = offset;
        _numbers.Add(number);
        _offsets.Add(offset);
        var now = Stopwatch.GetTimestamp();
        if (_lastAt > 0 && Stopwatch.GetElapsedTime(_lastAt, now) is var gap && gap > LongestGap)
        {
            LongestGap = gap;
        }
        _lastAt = now;
    }
}
