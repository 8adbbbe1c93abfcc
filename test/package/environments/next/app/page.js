export default function Page() {
  return <p>A memory for agents</p>;
}
