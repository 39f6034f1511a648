namespace CometApp.Models;

/// <summary>How this process is doing.</summary>
/// <param name="At">When it was measured, in the server's time zone.</param>
/// <param name="Cpu">Share of one core, in percent; more than 100 on several cores.</param>
/// <param name="Memory">Working set, in bytes.</param>
/// <param name="Heap">Managed heap, in bytes.</param>
/// <param name="Streams">Open streams.</param>
public sealed record Vitals(DateTimeOffset At, double Cpu, long Memory, long Heap, int Streams);
