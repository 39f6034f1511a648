using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Checks what a store returns of one feed before it becomes script. Bad entries are left out, as if they had never been there; operators
/// are told of the first, and the rest is counted.
/// </summary>
internal sealed class StoredContent(FeedName feed, CometMetrics metrics, ILogger logger)
{
    private int _rejected;
    private int _replaced;

    /// <summary>Accepts an entry, with its payload escaped like a new one.</summary>
    /// <returns>False: its payload is neither empty nor one JSON value in UTF-8.</returns>
    internal bool TryAccept(in FeedEntry entry, out FeedEntry accepted)
    {
        if (entry.IsCompletion)
        {
            accepted = entry;
            return true;
        }
        if (MemoryMarshal.TryGetMemoryManager<byte, EncodedPayload>(entry.Payload, out var encoded))
        {
            accepted = entry with { Payload = encoded.Json };
            return true;
        }
        var isSafe = SafeJson.TryEscape(entry.Payload, out var payload);
        accepted = isSafe ? entry with { Payload = payload } : default;
        if (!isSafe)
        {
            Reject(entry.Offset);
        }
        return isSafe;
    }

    /// <summary>The epoch, or one that stands in for it, always the same, when it has other characters or is too long.</summary>
    internal string Accept(string? epoch)
    {
        if (FeedPosition.IsEpoch(epoch))
        {
            return epoch!;
        }
        var standIn = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(epoch ?? "")).AsSpan(0, 8));
        if (Interlocked.Exchange(ref _replaced, 1) == 0)
        {
            CometLog.EpochReplaced(logger, feed.ToString(), standIn);
        }
        return standIn;
    }

    private void Reject(long offset)
    {
        metrics.MessageRejected(feed.Family);
        if (Interlocked.Exchange(ref _rejected, 1) == 0)
        {
            CometLog.EntryRejected(logger, feed.ToString(), offset);
        }
    }
}
