namespace Comet.AspNetCore.Transport;

/// <summary>What epoll tells of a socket.</summary>
[Flags]
internal enum SocketEvents : uint
{
    None = 0,

    /// <summary>EPOLLIN: the client has sent something.</summary>
    Readable = 0x1,

    /// <summary>EPOLLOUT: it takes more after it took no more.</summary>
    Writable = 0x4,

    /// <summary>EPOLLERR.</summary>
    Error = 0x8,

    /// <summary>EPOLLHUP: both sides have ended.</summary>
    HungUp = 0x10,

    /// <summary>EPOLLRDHUP: the client has ended its side, and reads no more than it has.</summary>
    PeerHungUp = 0x2000,

    /// <summary>EPOLLET: what has been told is not told again.</summary>
    EdgeTriggered = 1u << 31,

    /// <summary>The connection is closed.</summary>
    Closed = Error | HungUp | PeerHungUp,
}
