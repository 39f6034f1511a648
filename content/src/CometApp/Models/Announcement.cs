namespace CometApp.Models;

/// <summary>What everybody sees.</summary>
public sealed record Announcement(string Text, DateTimeOffset At);
