using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// How many streams may be open: in all, per signed-in user, and of others per address and per network. A user is counted as the user
/// only, as many may share an address.
/// </summary>
internal sealed class ConnectionLimits(IOptions<CometOptions> options, OpenStreams open, ReconnectDelay delay)
{
    // What one site or one rented block has: an IPv6 /48, an IPv4 /24.
    private const int NetworkBits = 48;
    private const int IPv4NetworkBits = 24;
    private const int NetworkShare = 4;

    private readonly int _max = options.Value.MaxStreams ?? int.MaxValue;
    private readonly StreamsByKey<string>? _perUser = options.Value.MaxStreamsPerUser is { } max ? new(max) : null;
    private readonly StreamsByKey<IPAddress>? _perAddress = options.Value.MaxStreamsPerAddress is { } max ? new(max) : null;

    // All addresses of a network together leave room for the others.
    private readonly StreamsByKey<IPAddress>? _perNetwork =
        options.Value is { MaxStreamsPerAddress: { } perAddress, MaxStreams: { } inAll }
            ? new(Math.Max(perAddress, inAll / NetworkShare))
            : null;

    /// <summary>Takes a place among the open streams for a request.</summary>
    /// <returns>Why there is none; null: the lease is the request's.</returns>
    internal Rejection? TryAcquire(HttpContext context, out ConnectionLease? lease)
    {
        lease = null;
        var holder = HolderOf(context);
        if (!TryAdd(holder))
        {
            return Rejection.TooMany(delay.Next());
        }
        if (!open.TryAdd(_max))
        {
            Remove(holder);
            return Rejection.Full(delay.Next());
        }
        lease = new ConnectionLease(this) { Holder = holder };
        return null;
    }

    /// <summary>Counts a lease for whom the request is by now, as a feed's policy may have found another user.</summary>
    /// <returns>Why there is no place; null: there is.</returns>
    internal Rejection? TryMove(HttpContext context, ConnectionLease lease)
    {
        var holder = HolderOf(context);
        if (!Equals(holder, lease.Holder))
        {
            if (!TryAdd(holder))
            {
                return Rejection.TooMany(delay.Next());
            }
            Remove(lease.Holder);
            lease.Holder = holder;
        }
        return null;
    }

    /// <summary>Gives back the place of a lease, which calls this.</summary>
    internal void Release(object? holder)
    {
        Remove(holder);
        open.Remove(); // last: whoever sees that a stream less is open finds its place free
    }

    private object? HolderOf(HttpContext context)
    {
        var visitor = CometVisitor.Of(context);
        return visitor.User is { } user ? (_perUser is null ? null : user) : _perAddress is null ? null : visitor.Address;
    }

    private bool TryAdd(object? holder)
    {
        switch (holder)
        {
            case string user:
                return _perUser!.TryAdd(user);
            case IPAddress address when !_perAddress!.TryAdd(address):
                return false;
            case IPAddress address when _perNetwork?.TryAdd(NetworkOf(address)) == false:
                _perAddress!.Remove(address);
                return false;
            default:
                return true;
        }
    }

    private void Remove(object? holder)
    {
        switch (holder)
        {
            case string user:
                _perUser!.Remove(user);
                break;
            case IPAddress address:
                _perNetwork?.Remove(NetworkOf(address));
                _perAddress!.Remove(address);
                break;
        }
    }

    private static IPAddress NetworkOf(IPAddress address) =>
        address.Masked(address.AddressFamily == AddressFamily.InterNetwork ? IPv4NetworkBits : NetworkBits);
}
